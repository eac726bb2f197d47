//! After the answer: holding, later offers, and every way to end.

use crate::stage::{Script, shows};

const VIDEO: &str = "v=0\no=- 1 1 IN IP4 10.0.0.0\ns=-\nc=IN IP4 10.0.0.0\nt=0 0\nm=video 4000 RTP/AVP 96\n";

#[test]
fn hold_and_resume_pass_through() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; a holds; b1 accepts recvonly; a is silent; a resumes; b1 accepts sendrecv; a hangs up");
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        b1 accepts recvonly
            media a 10.0.0.0:4000 PCMU recvonly -> b1
            media b1 10.0.0.1:4000 PCMU sendonly -> a
            ack b1
            200 to reinvite of a [192.0.2.1:10000 PCMU recvonly]
        a is silent
        a resumes
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 accepts sendrecv
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            ack b1
            200 to reinvite of a [192.0.2.1:10000 PCMU sendrecv]
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn the_callee_may_hold_too() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; b1 holds; a accepts recvonly; b1 is silent; b1 hangs up");
    shows(
        played.since("a acks"),
        "
        b1 holds
            reinvite a [192.0.2.1:10000 PCMU sendonly]
        a accepts recvonly
            media b1 10.0.0.1:4000 PCMU recvonly -> a
            media a 10.0.0.0:4000 PCMU sendonly -> b1
            ack a
            200 to reinvite of b1 [192.0.2.1:10002 PCMU PCMA recvonly]
        b1 is silent
        b1 hangs up
            bye a (callee_hung_up)
            release a
            release b1
            close record: 200, none, 16, callee_hung_up
    ",
    );
}

#[test]
fn an_offer_on_both_sides_at_once_is_glare() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; a holds; b1 holds; b1 refuses reinvite 491; a hangs up");
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        b1 holds
            491 to reinvite of b1
        b1 refuses reinvite 491
            491 to reinvite of a
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn a_refused_offer_leaves_the_call_as_it_was() {
    let played = Script::phones(1).play(
        "a invites; b1 rings; b1 answers; committed; a acks; a holds; b1 refuses reinvite 488; a is silent",
    );
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        b1 refuses reinvite 488
            488 to reinvite of a
        a is silent
            bye a (media_silent)
            bye b1 (media_silent)
            release a
            release b1
            close record: 200, network, 102, media_silent
    ",
    );
}

#[test]
fn an_unreadable_later_offer_is_refused() {
    let played = Script::phones(1)
        .play("a invites; b1 rings; b1 answers; committed; a acks; a reinvites with nonsense; a hangs up");
    shows(
        played.since("a acks"),
        "
        a reinvites with nonsense
            400 to reinvite of a
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn a_later_offer_may_come_late() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; b1 reinvites; a accepts sendrecv; b1 acks reinvite with answer; a hangs up");
    shows(
        played.since("a acks"),
        "
        b1 reinvites
            reinvite a
        a accepts sendrecv
            200 to reinvite of b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 acks reinvite with answer
            ack a [192.0.2.1:10000 PCMU sendrecv]
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn a_late_later_offer_without_answer_ends_the_call() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; b1 reinvites; a accepts sendrecv; b1 acks reinvite");
    shows(
        played.since("a acks"),
        "
        b1 reinvites
            reinvite a
        a accepts sendrecv
            200 to reinvite of b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 acks reinvite
            ack a
            bye a (no_description)
            bye b1 (no_description)
            release a
            release b1
            close record: 200, caller, 127, no_description
    ",
    );
}

#[test]
fn a_side_that_forgot_the_call_ends_it() {
    let played = Script::phones(1)
        .play("a invites; b1 rings; b1 answers; committed; a acks; a holds; b1 refuses reinvite 481");
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        b1 refuses reinvite 481
            487 to reinvite of a
            bye a (dialog_lost)
            bye b1 (dialog_lost)
            release a
            release b1
            close record: 200, network, 41, dialog_lost
    ",
    );
}

#[test]
fn a_pending_offer_is_answered_when_the_call_ends() {
    let played =
        Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; a holds; b1 hangs up");
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        b1 hangs up
            487 to reinvite of a
            bye a (callee_hung_up)
            release a
            release b1
            close record: 200, none, 16, callee_hung_up
    ",
    );
}

#[test]
fn an_offer_that_nobody_answers_times_out() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; a holds; wait 41; b1 accepts recvonly; a hangs up");
    shows(
        played.since("a acks"),
        "
        a holds
            reinvite b1 [192.0.2.1:10002 PCMU PCMA sendonly]
        wait 41
            504 to reinvite of a
        b1 accepts recvonly
            ack b1
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn a_late_offer_passes_through() {
    let played = Script::phones(1)
        .late_offer()
        .play("a invites; b1 rings; b1 answers; committed; a acks with answer; b1 hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1
        b1 rings
            180 to a
        b1 answers
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks with answer
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            ack b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 hangs up
            bye a (callee_hung_up)
            release a
            release b1
            close record: 200, none, 16, callee_hung_up
    ",
    );
}

#[test]
fn a_late_offer_without_answer_ends_the_call() {
    let played = Script::phones(1).late_offer().play("a invites; b1 answers; committed; a acks");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1
        b1 answers
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks
            bye a (no_description)
            ack b1
            bye b1 (no_description)
            release a
            release b1
            close record: 200, caller, 127, no_description
    ",
    );
}

#[test]
fn early_media_before_an_offer_is_ignored() {
    let played = Script::phones(1).late_offer().play("a invites; b1 plays early media; b1 refuses 486");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1
        b1 plays early media
            183 to a
        b1 refuses 486
            release b1
            486 to a (busy)
            release a
            close record: 486, callee, 17, busy
    ",
    );
}

#[test]
fn a_silent_side_ends_the_call() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; b1 is silent");
    shows(
        played.since("a acks"),
        "
        b1 is silent
            bye a (media_silent)
            bye b1 (media_silent)
            release a
            release b1
            close record: 200, network, 102, media_silent
    ",
    );
}

#[test]
fn a_lost_ack_ends_the_call() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a never acks");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        b1 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            ack b1
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a never acks
            bye a (unacknowledged)
            bye b1 (unacknowledged)
            release a
            release b1
            close record: 200, network, 102, unacknowledged
    ",
    );
}

#[test]
fn an_operator_ends_a_call() {
    let played =
        Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; operator hangs up");
    shows(
        played.since("a acks"),
        "
        operator hangs up
            bye a (operator)
            bye b1 (operator)
            release a
            release b1
            close record: 200, operator, 16, operator
    ",
    );
}

#[test]
fn a_stopping_server_ends_its_calls() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; server stops");
    shows(
        played.since("a acks"),
        "
        server stops
            bye a (stopping)
            bye b1 (stopping)
            release a
            release b1
            close record: 200, server, 41, stopping
    ",
    );
}

#[test]
fn a_call_ends_after_its_longest_time() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; wait 43200");
    shows(
        played.since("a acks"),
        "
        wait 43200
            bye a (too_long)
            bye b1 (too_long)
            release a
            release b1
            close record: 200, server, 102, too_long
    ",
    );
}

#[test]
fn a_media_plane_that_does_not_report_does_not_hold_the_record() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; media never reports; a hangs up; wait 1; wait 40");
    shows(
        played.since("a acks"),
        "
        media never reports
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
        wait 1
            close record: 200, none, 16, caller_hung_up
        wait 40
    ",
    );
}

#[test]
fn the_echo_test_answers_by_itself() {
    let played =
        Script::echo().play("a invites; committed; a acks; a holds; a is silent; a resumes; a hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            media a 10.0.0.0:4000 PCMU sendrecv -> echo
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks
        a holds
            media a 10.0.0.0:4000 PCMU recvonly -> echo
            200 to reinvite of a [192.0.2.1:10000 PCMU recvonly]
        a is silent
        a resumes
            media a 10.0.0.0:4000 PCMU sendrecv -> echo
            200 to reinvite of a [192.0.2.1:10000 PCMU sendrecv]
        a hangs up
            release a
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn the_echo_test_offers_when_it_is_asked_to() {
    let played = Script::echo().late_offer().play(
        "a invites; committed; a acks with answer; a reinvites; a acks reinvite with answer; a hangs up",
    );
    shows(
        &played.text,
        "
        a invites
            reserve a
            open record
        committed
            200 to a [192.0.2.1:10000 G722 PCMU PCMA telephone-event sendrecv]
        a acks with answer
            media a 10.0.0.0:4000 PCMU sendrecv -> echo
        a reinvites
            200 to reinvite of a [192.0.2.1:10000 G722 PCMU PCMA telephone-event sendrecv]
        a acks reinvite with answer
        a hangs up
            release a
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn the_echo_test_takes_only_audio() {
    let played = Script::echo().offering(VIDEO).play("a invites");
    shows(
        &played.text,
        "
        a invites
            488 to a (bad_offer)
            close record: 488, caller, 65, bad_offer
    ",
    );
}
