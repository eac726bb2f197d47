//! Calls that end without an answer.

use crate::stage::{Script, shows};
use crosspoint_call::{End, Forking};

const VIDEO: &str = "v=0\no=- 1 1 IN IP4 10.0.0.0\ns=-\nc=IN IP4 10.0.0.0\nt=0 0\nm=video 4000 RTP/AVP 96\n";

#[test]
fn busy_is_better_than_silence() {
    let played = Script::phones(2).play("a invites; b1 refuses 486; b2 does not reply");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 refuses 486
            release b1
        b2 does not reply
            release b2
            486 to a (busy)
            release a
            close record: 486, callee, 17, busy
    ",
    );
}

#[test]
fn no_phone_replies() {
    let played = Script::phones(2).play("a invites; b1 does not reply; b2 is unreachable");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 does not reply
            release b1
        b2 is unreachable
            release b2
            480 to a (no_reply)
            release a
            close record: 480, network, 18, no_reply
    ",
    );
}

#[test]
fn a_decline_ends_the_ringing_everywhere() {
    let played = Script::phones(2).play("a invites; b1 rings; b2 refuses 603; b1 is terminated");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        b2 refuses 603
            release b2
            cancel b1 (declined)
            release b1
            603 to a (declined)
            release a
            close record: 603, callee, 21, declined
        b1 is terminated
    ",
    );
}

#[test]
fn nobody_answers_in_time() {
    let played = Script::phones(1).play("a invites; b1 rings; wait 61; b1 is terminated");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        wait 61
            cancel b1 (no_answer)
            release b1
            480 to a (no_answer)
            release a
            close record: 480, callee, 19, no_answer
        b1 is terminated
    ",
    );
}

#[test]
fn nothing_rings_in_time() {
    let played = Script::phones(1).play("a invites; wait 61; b1 is terminated");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        wait 61
            cancel b1 (no_reply)
            release b1
            480 to a (no_reply)
            release a
            close record: 480, network, 18, no_reply
        b1 is terminated
    ",
    );
}

#[test]
fn by_preference_the_next_group_rings_when_the_first_had_its_time() {
    let played = Script::with(Forking::ByPreference, &[500, 1_000, 500])
        .play("a invites; b2 rings; wait 20; b2 is terminated; b1 rings; b3 refuses 486; b1 refuses 480");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b2
            invite b2 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b2 rings
            180 to a
        wait 20
            cancel b2 (no_answer)
            release b2
            reserve b1
            reserve b3
            invite b1 [192.0.2.1:10004 PCMU PCMA sendrecv]
            invite b3 [192.0.2.1:10006 PCMU PCMA sendrecv]
        b2 is terminated
        b1 rings
        b3 refuses 486
            release b3
        b1 refuses 480
            release b1
            486 to a (busy)
            release a
            close record: 486, callee, 17, busy
    ",
    );
}

#[test]
fn by_preference_the_next_group_rings_when_the_first_refuses() {
    let played = Script::with(Forking::ByPreference, &[1_000, 500])
        .play("a invites; b1 refuses 486; b2 rings; b2 answers; committed; a acks; b2 hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 refuses 486
            release b1
            reserve b2
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b2 rings
            180 to a
        b2 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b2
            media b2 10.0.0.2:4000 PCMU sendrecv -> a
            ack b2
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks
        b2 hangs up
            bye a (callee_hung_up)
            release a
            release b2
            close record: 200, none, 16, callee_hung_up
    ",
    );
}

#[test]
fn phones_whose_turn_never_came_are_not_rung() {
    let played = Script::with(Forking::ByPreference, &[1_000, 500])
        .play("a invites; b1 answers; committed; a acks; a hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            ack b1
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn without_a_port_a_branch_is_left_out() {
    let played = Script::phones(2)
        .play("no media for b1; a invites; b2 rings; b2 answers; committed; a acks; a hangs up");
    shows(
        &played.text,
        "
        no media for b1
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b2 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b2 rings
            180 to a
        b2 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b2
            media b2 10.0.0.2:4000 PCMU sendrecv -> a
            ack b2
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        a acks
        a hangs up
            bye b2 (caller_hung_up)
            release a
            release b2
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn without_a_port_for_the_caller_there_is_no_call() {
    let played = Script::phones(1).play("no media for a; a invites");
    shows(
        &played.text,
        "
        no media for a
        a invites
            reserve a
            reserve b1
            503 to a (no_media_port)
            release b1
            close record: 503, server, 34, no_media_port
    ",
    );
}

#[test]
fn an_account_without_phones_is_not_registered() {
    let played = Script::phones(0).play("a invites");
    shows(
        &played.text,
        "
        a invites
            480 to a (not_registered)
            close record: 480, callee, 20, not_registered
    ",
    );
}

#[test]
fn what_routing_refused_has_its_record() {
    let played = Script::refused(End::UnknownNumber).play("a invites");
    shows(
        &played.text,
        "
        a invites
            404 to a (unknown_number)
            close record: 404, caller, 1, unknown_number
    ",
    );
}

#[test]
fn an_offer_without_audio_is_refused() {
    let played = Script::phones(1).offering(VIDEO).play("a invites");
    shows(
        &played.text,
        "
        a invites
            488 to a (bad_offer)
            close record: 488, caller, 65, bad_offer
    ",
    );
}

#[test]
fn an_unreadable_offer_is_refused() {
    let played = Script::phones(1).offering("nonsense").play("a invites");
    shows(
        &played.text,
        "
        a invites
            400 to a (bad_offer)
            close record: 400, caller, 65, bad_offer
    ",
    );
}

#[test]
fn an_answer_without_description_is_no_answer() {
    let played =
        Script::phones(2).play("a invites; b1 answers without description; b2 rings; b2 refuses 486");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 answers without description
            ack b1
            bye b1 (bad_answer)
            release b1
        b2 rings
            180 to a
        b2 refuses 486
            release b2
            486 to a (busy)
            release a
            close record: 486, callee, 17, busy
    ",
    );
}

#[test]
fn an_answer_goes_out_late_rather_than_never() {
    let played = Script::phones(1).play("a invites; b1 answers; wait 2; committed; a acks; a hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            ack b1
            open record
        wait 2
            count: answered uncommitted
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        committed
        a acks
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn a_caller_that_hangs_up_before_the_answer_gets_its_487() {
    let played = Script::phones(1).play("a invites; b1 rings; a hangs up; b1 is terminated");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        a hangs up
            487 to a (caller_hung_up)
            cancel b1 (caller_hung_up)
            release b1
            release a
            close record: 487, none, 16, caller_hung_up
        b1 is terminated
    ",
    );
}

#[test]
fn the_callee_hangs_up_while_its_answer_is_committed() {
    let played = Script::phones(1).play("a invites; b1 answers; b1 hangs up; committed");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            ack b1
            open record
        b1 hangs up
            480 to a (callee_hung_up)
            release a
            release b1
            close record: 480, none, 16, callee_hung_up
        committed
    ",
    );
}

#[test]
fn an_operator_ends_a_ringing_call() {
    let played = Script::phones(1).play("a invites; b1 rings; operator hangs up; b1 is terminated");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        operator hangs up
            cancel b1 (operator)
            release b1
            480 to a (operator)
            release a
            close record: 480, operator, 16, operator
        b1 is terminated
    ",
    );
}

#[test]
fn a_branch_that_never_ends_is_forgotten() {
    let played = Script::phones(1).play("a invites; b1 rings; a cancels; wait 41");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        a cancels
            cancel b1 (cancelled)
            release b1
            release a
            close record: 487, caller, 16, cancelled
        wait 41
    ",
    );
}
