//! From the INVITE to the answer.

use crate::stage::{Script, shows};

#[test]
fn a_call_is_answered_after_its_record_is_committed() {
    let played = Script::phones(1).play("a invites; b1 rings; b1 answers; committed; a acks; a hangs up");
    shows(
        played.since("a acks"),
        "
        a hangs up
            bye b1 (caller_hung_up)
            release a
            release b1
            close record: 200, none, 16, caller_hung_up
    ",
    );
}

#[test]
fn all_phones_ring_and_the_losers_are_cancelled() {
    let played = Script::phones(3).play("a invites; b1 rings; b2 rings; b2 answers; committed; b1 is terminated; b3 is terminated; a acks; b2 hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            reserve b3
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
            invite b3 [192.0.2.1:10006 PCMU PCMA sendrecv]
        b1 rings
            180 to a
        b2 rings
        b2 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b2
            media b2 10.0.0.2:4000 PCMU sendrecv -> a
            ack b2
            cancel b1 (answered_elsewhere)
            release b1
            cancel b3 (answered_elsewhere)
            release b3
            open record
        committed
            200 to a [192.0.2.1:10000 PCMU sendrecv]
        b1 is terminated
        b3 is terminated
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
fn early_media_is_heard_and_another_phone_may_still_answer() {
    let played = Script::phones(2).play("a invites; b1 plays early media; b2 rings; b2 answers; b1 is terminated; committed; a acks; a hangs up");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 plays early media
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            183 to a [192.0.2.1:10000 PCMU sendrecv]
        b2 rings
        b2 answers
            media a 10.0.0.0:4000 PCMU sendrecv -> b2
            media b2 10.0.0.2:4000 PCMU sendrecv -> a
            ack b2
            cancel b1 (answered_elsewhere)
            release b1
            open record
        b1 is terminated
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
fn the_next_early_media_takes_over_when_the_first_branch_fails() {
    let played = Script::phones(2)
        .play("a invites; b1 plays early media; b1 refuses 500; b2 plays early media; b2 refuses 486");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 plays early media
            media a 10.0.0.0:4000 PCMU sendrecv -> b1
            media b1 10.0.0.1:4000 PCMU sendrecv -> a
            183 to a [192.0.2.1:10000 PCMU sendrecv]
        b1 refuses 500
            release b1
        b2 plays early media
            media a 10.0.0.0:4000 PCMU sendrecv -> b2
            media b2 10.0.0.2:4000 PCMU sendrecv -> a
            183 to a [192.0.2.1:10000 PCMU sendrecv]
        b2 refuses 486
            release b2
            486 to a (busy)
            release a
            close record: 486, callee, 17, busy
    ",
    );
}

#[test]
fn a_provisional_status_is_told_once() {
    let played = Script::phones(2).play("a invites; b1 progresses; b2 progresses; b1 rings; b2 rings; b1 rings; b1 refuses 404; b2 refuses 404");
    shows(
        &played.text,
        "
        a invites
            reserve a
            reserve b1
            reserve b2
            invite b1 [192.0.2.1:10002 PCMU PCMA sendrecv]
            invite b2 [192.0.2.1:10004 PCMU PCMA sendrecv]
        b1 progresses
            183 to a
        b2 progresses
        b1 rings
            180 to a
        b2 rings
        b1 rings
        b1 refuses 404
            release b1
        b2 refuses 404
            release b2
            404 to a (refused)
            release a
            close record: 404, callee, 1, refused
    ",
    );
}
