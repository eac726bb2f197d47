//! What storage promises, once, on both engines.
//!
//! Each test is a function over a [`Lab`]; the list at the end runs it on SQLite and on a PostgreSQL that the tests
//! start themselves. A machine without PostgreSQL fails these tests and says what to install.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking with what it expected"
)]

mod accounts;
mod lab;
mod opening;
mod records;
mod registrations;
mod samples;
mod writing;

use lab::Lab;

macro_rules! on_both_engines {
    ($($file:ident: $($name:ident)+;)+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$file::$name(crate::Lab::sqlite().await).await;
                }
            )+)+
        }

        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$file::$name(crate::Lab::postgres().await).await;
                }
            )+)+
        }
    };
}

on_both_engines! {
    opening:
        what_was_written_is_there_after_opening_again
        a_newer_schema_is_refused
        a_second_instance_on_the_directory_is_refused
        the_realm_of_the_first_start_stays
        each_start_of_a_node_has_its_epoch
        secrets_are_not_readable_in_the_database
        another_key_opens_no_secret;
    accounts:
        an_account_reads_as_it_was_written
        other_tenants_do_not_see_an_account
        taken_names_are_refused_by_field
        each_change_makes_a_new_revision
        a_bulk_keeps_the_good_and_names_the_bad
        a_search_finds_parts_of_names
        lists_come_in_pages_with_the_total
        an_account_takes_its_bindings_along
        people_read_as_they_were_written
        tokens_read_as_they_were_written
        tenants_read_as_they_were_written;
    registrations:
        a_binding_reads_as_it_was_written
        only_live_bindings_of_existing_accounts_are_loaded
        expired_bindings_are_forgotten
        ten_thousand_bindings_are_written_in_sets;
    records:
        a_record_reads_as_it_was_written
        a_record_is_listed_by_each_filter
        the_calls_of_an_account_add_up
        records_of_other_tenants_are_invisible
        records_of_a_lost_node_are_closed
        a_closed_record_is_not_opened_again;
    writing:
        a_ticket_is_heard_after_its_row_is_readable
        many_that_wait_share_few_commits
        a_process_that_dies_keeps_what_was_acknowledged
        refreshes_of_one_binding_become_one_row
        refreshes_are_written_without_being_asked_for
        the_last_word_about_a_binding_counts
        a_call_opened_and_closed_in_one_batch_is_one_row
        a_row_that_is_refused_does_not_hold_up_the_others
        a_flush_of_nothing_returns
        a_closed_storage_ends_the_writer
        odd_characters_from_the_network_are_taken;
}
