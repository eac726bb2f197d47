//! Accounts, people, tokens, tenants.

use std::time::Duration;

use crosspoint_storage::{AccountFilter, Error, Write};
use model::{
    Account, AccountChange, AccountId, ApiToken, Page, Permission, Permissions, Role, Template, Tenant,
    TenantId, TokenId, User, UserId,
};

use crate::lab::Lab;
use crate::samples::{NOW, OTHER, account, account_of, binding, digest, other_tenant, uid};

fn full() -> Account {
    Account {
        display_name: "Zoë \"Z\" O'Neil \u{1f4de}".to_owned(),
        email: Some("zoe@example.org".to_owned()),
        external_id: Some("crm/4711".to_owned()),
        context: "branch-2".to_owned(),
        template: Template::SecureSoftphone,
        max_contacts: 2,
        max_concurrent_calls: 10_000,
        permissions: Permissions::NONE.with(Permission::International).with(Permission::Record),
        caller_id: Some("+4930123456".to_owned()),
        enabled: false,
        development_only: true,
        ..account(1)
    }
}

pub(crate) async fn an_account_reads_as_it_was_written(lab: Lab) {
    let accounts = lab.storage.accounts();
    let bare = Account { extension: None, ..account(2) };
    accounts.insert(&full()).await.unwrap();
    accounts.insert(&bare).await.unwrap();
    assert_eq!(accounts.find(TenantId::DEFAULT, full().id).await.unwrap(), Some(full()));
    assert_eq!(accounts.all().await.unwrap(), [full(), bare.clone()]);
    let change = AccountChange {
        display_name: Some("New".to_owned()),
        email: Some(None),
        password: Some("another horse".to_owned()),
        enabled: Some(true),
        ..AccountChange::default()
    };
    let changed = change.apply(&full(), NOW + Duration::from_secs(1), digest).unwrap();
    assert_eq!(accounts.update(&changed).await.unwrap(), Some(3));
    assert_eq!(accounts.find(TenantId::DEFAULT, changed.id).await.unwrap(), Some(changed));
    assert_eq!(accounts.find(TenantId::DEFAULT, bare.id).await.unwrap(), Some(bare));
}

pub(crate) async fn other_tenants_do_not_see_an_account(lab: Lab) {
    lab.storage.tenants().insert(&other_tenant()).await.unwrap();
    let accounts = lab.storage.accounts();
    let (ours, theirs) = (account(1), account_of(OTHER, 2, "pbx.example"));
    accounts.insert(&ours).await.unwrap();
    accounts.insert(&theirs).await.unwrap();
    let filter = AccountFilter::default();
    let listed = accounts.list(OTHER, &filter, Page::default()).await.unwrap();
    assert_eq!((listed.items, listed.total), (vec![theirs.clone()], 1));
    assert_eq!(accounts.find(OTHER, ours.id).await.unwrap(), None);
    assert_eq!(accounts.update(&Account { tenant: OTHER, ..ours.clone() }).await.unwrap(), None);
    assert_eq!(accounts.delete(OTHER, ours.id).await.unwrap(), None);
    assert_eq!(accounts.all().await.unwrap(), [ours, theirs]);
}

pub(crate) async fn taken_names_are_refused_by_field(lab: Lab) {
    lab.storage.tenants().insert(&other_tenant()).await.unwrap();
    let accounts = lab.storage.accounts();
    accounts.insert(&account(1)).await.unwrap();
    let field = |result: Result<u64, Error>| match result {
        Err(Error::Duplicate { field }) => field,
        other => panic!("{other:?}"),
    };
    let same_name = Account { id: AccountId(uid(2)), extension: None, ..account(1) };
    assert_eq!(field(accounts.insert(&same_name).await), "username");
    let same_extension = Account { extension: account(1).extension, ..account(2) };
    assert_eq!(field(accounts.insert(&same_extension).await), "extension");
    let same_id = Account { id: account(1).id, ..account(2) };
    assert_eq!(field(accounts.insert(&same_id).await), "id");
    let elsewhere = Account { extension: account(1).extension, ..account_of(OTHER, 3, "pbx.example") };
    accounts.insert(&elsewhere).await.unwrap();
    accounts
        .insert(&Account { id: AccountId(uid(4)), extension: None, ..account_of(OTHER, 1, "b.example") })
        .await
        .unwrap();
    accounts.insert(&account(2)).await.unwrap();
    let moved = Account { extension: account(1).extension, ..account(2) };
    assert!(matches!(accounts.update(&moved).await, Err(Error::Duplicate { field }) if field == "extension"));
    let orphan = account_of(TenantId(uid(77)), 5, "pbx.example");
    assert!(matches!(accounts.insert(&orphan).await, Err(Error::Orphan)));
    assert_eq!(accounts.all().await.unwrap().len(), 4);
}

pub(crate) async fn each_change_makes_a_new_revision(lab: Lab) {
    let accounts = lab.storage.accounts();
    assert_eq!(lab.storage.settings().revision().await.unwrap(), 0);
    assert_eq!(accounts.insert(&account(1)).await.unwrap(), 1);
    assert_eq!(accounts.update(&account(1)).await.unwrap(), Some(2));
    assert_eq!(accounts.update(&account(2)).await.unwrap(), None);
    assert!(accounts.insert(&account(1)).await.is_err());
    assert_eq!(lab.storage.settings().revision().await.unwrap(), 2, "what changed nothing has no revision");
    assert_eq!(accounts.delete(TenantId::DEFAULT, account(1).id).await.unwrap(), Some(3));
    assert_eq!(accounts.delete(TenantId::DEFAULT, account(1).id).await.unwrap(), None);
    assert_eq!(lab.storage.settings().revision().await.unwrap(), 3);
}

pub(crate) async fn a_bulk_keeps_the_good_and_names_the_bad(lab: Lab) {
    let accounts = lab.storage.accounts();
    let many: Vec<_> = [1, 2, 1, 3].map(account).into();
    let (results, revision) = accounts.insert_each(&many).await.unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true]);
    assert!(matches!(&results[2], Err(Error::Duplicate { .. })), "{results:?}");
    assert_eq!(revision, 1);
    assert_eq!(accounts.all().await.unwrap(), [1, 2, 3].map(account));
}

pub(crate) async fn a_search_finds_parts_of_names(lab: Lab) {
    let accounts = lab.storage.accounts();
    let reception = Account { display_name: "Reception 100%".to_owned(), ..account(1) };
    let lab_phone = Account { external_id: Some("CRM-77".to_owned()), enabled: false, ..account(2) };
    let third = Account { development_only: true, ..account(3) };
    for account in [&reception, &lab_phone, &third] {
        accounts.insert(account).await.unwrap();
    }
    let found = async |filter: AccountFilter| {
        let listed = accounts.list(TenantId::DEFAULT, &filter, Page::default()).await.unwrap();
        assert_eq!(listed.total as usize, listed.items.len());
        listed.items.iter().map(|account| account.username().to_owned()).collect::<Vec<_>>()
    };
    let search = |text: &str| AccountFilter { search: Some(text.to_owned()), ..AccountFilter::default() };
    assert_eq!(found(search("RECEP")).await, ["user1"]);
    assert_eq!(found(search("0%")).await, ["user1"]);
    assert_eq!(found(search("%")).await, ["user1"], "a wildcard of the text is none");
    assert_eq!(found(search("crm-7")).await, ["user2"]);
    assert_eq!(found(search("6003")).await, ["user3"]);
    assert_eq!(found(search("user")).await, ["user1", "user2", "user3"]);
    assert_eq!(found(search("user_")).await, [""; 0]);
    assert_eq!(found(AccountFilter { enabled: Some(false), ..search("user") }).await, ["user2"]);
    assert_eq!(
        found(AccountFilter { development_only: Some(true), ..AccountFilter::default() }).await,
        ["user3"]
    );
}

pub(crate) async fn lists_come_in_pages_with_the_total(lab: Lab) {
    let many: Vec<_> = (10..35).map(account).collect();
    lab.storage.accounts().insert_each(&many).await.unwrap();
    let filter = AccountFilter::default();
    let mut seen = Vec::new();
    for (n, length) in [(1, 10), (2, 10), (3, 5), (4, 0)] {
        let listed = lab.storage.accounts().list(TenantId::DEFAULT, &filter, Page::new(n, 10)).await.unwrap();
        assert_eq!((listed.items.len(), listed.total, listed.page, listed.per_page), (length, 25, n, 10));
        seen.extend(listed.items);
    }
    assert_eq!(seen, many);
}

pub(crate) async fn an_account_takes_its_bindings_along(lab: Lab) {
    let accounts = lab.storage.accounts();
    accounts.insert(&account(1)).await.unwrap();
    accounts.insert(&account(2)).await.unwrap();
    let (writer, _) = lab.writer();
    for of in [account(1), account(2)] {
        writer.submit(Write::BindingPut(Box::new(binding(&of, 5_062))), None).unwrap();
    }
    writer.flush().await.unwrap();
    accounts.delete(TenantId::DEFAULT, account(1).id).await.unwrap();
    accounts.insert(&account(1)).await.unwrap();
    assert_eq!(lab.storage.bindings().live(NOW).await.unwrap(), [binding(&account(2), 5_062)]);
}

fn person(n: u32, name: &str) -> User {
    User {
        id: UserId(uid(n)),
        tenant: TenantId::DEFAULT,
        username: name.to_owned(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        role: Role::Admin,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) async fn people_read_as_they_were_written(lab: Lab) {
    lab.storage.tenants().insert(&other_tenant()).await.unwrap();
    let users = lab.storage.users();
    let (admin, bob) = (person(1, "admin"), User { role: Role::Viewer, ..person(2, "bob") });
    users.insert(&admin).await.unwrap();
    users.insert(&bob).await.unwrap();
    let taken = User { tenant: OTHER, ..person(3, "admin") };
    assert!(matches!(users.insert(&taken).await, Err(Error::Duplicate { field }) if field == "username"));
    assert_eq!(users.find_by_username("admin").await.unwrap(), Some(admin.clone()));
    assert_eq!(users.find_by_username("Admin").await.unwrap(), None);
    assert_eq!(users.find(TenantId::DEFAULT, bob.id).await.unwrap(), Some(bob.clone()));
    assert_eq!(users.find(OTHER, bob.id).await.unwrap(), None);
    let changed = User {
        role: Role::Operator,
        password_hash: "$argon2id$new".to_owned(),
        updated_at: NOW + Duration::from_secs(1),
        ..bob
    };
    assert!(users.update(&changed).await.unwrap());
    assert!(!users.update(&User { tenant: OTHER, ..changed.clone() }).await.unwrap());
    let listed = users.list(TenantId::DEFAULT, Page::default()).await.unwrap();
    assert_eq!(listed.items, [admin, changed.clone()]);
    assert_eq!(users.list(OTHER, Page::default()).await.unwrap().total, 0);
    assert!(!users.delete(OTHER, changed.id).await.unwrap());
    assert!(users.delete(TenantId::DEFAULT, changed.id).await.unwrap());
    assert_eq!(users.find_by_username("bob").await.unwrap(), None);
}

pub(crate) async fn tokens_read_as_they_were_written(lab: Lab) {
    let tokens = lab.storage.tokens();
    let token = ApiToken {
        id: TokenId(uid(1)),
        tenant: TenantId::DEFAULT,
        name: "ci".to_owned(),
        hash: "e3b0c442".to_owned(),
        hint: "cp_Ab12Cd".to_owned(),
        scopes: vec!["sip-users".to_owned(), "calls:read".to_owned()],
        created_by: Some(UserId(uid(5))),
        created_at: NOW,
        expires_at: Some(NOW + Duration::from_secs(60)),
        last_used_at: None,
    };
    let bare = ApiToken {
        id: TokenId(uid(2)),
        name: "b".to_owned(),
        hash: "ff".to_owned(),
        scopes: Vec::new(),
        created_by: None,
        expires_at: None,
        ..token.clone()
    };
    tokens.insert(&token).await.unwrap();
    tokens.insert(&bare).await.unwrap();
    let same_name = ApiToken { id: TokenId(uid(3)), hash: "00".to_owned(), ..token.clone() };
    assert!(matches!(tokens.insert(&same_name).await, Err(Error::Duplicate { field }) if field == "name"));
    tokens.touch(token.id, NOW + Duration::from_secs(5)).await.unwrap();
    let used = ApiToken { last_used_at: Some(NOW + Duration::from_secs(5)), ..token };
    assert_eq!(tokens.find_by_hash("e3b0c442").await.unwrap(), Some(used.clone()));
    assert_eq!(tokens.find_by_hash("e3b0").await.unwrap(), None);
    assert_eq!(tokens.list(TenantId::DEFAULT, Page::default()).await.unwrap().items, [used.clone(), bare]);
    assert!(tokens.list(OTHER, Page::default()).await.unwrap().items.is_empty());
    assert!(!tokens.delete(OTHER, used.id).await.unwrap());
    assert!(tokens.delete(TenantId::DEFAULT, used.id).await.unwrap());
    assert_eq!(tokens.find_by_hash("e3b0c442").await.unwrap(), None);
}

pub(crate) async fn tenants_read_as_they_were_written(lab: Lab) {
    let tenants = lab.storage.tenants();
    let default = tenants.find(TenantId::DEFAULT).await.unwrap().unwrap();
    assert_eq!(default.name, "default");
    tenants.insert(&other_tenant()).await.unwrap();
    assert_eq!(tenants.find(OTHER).await.unwrap(), Some(other_tenant()));
    assert_eq!(tenants.find(TenantId(uid(7))).await.unwrap(), None);
    let taken = Tenant::new(TenantId(uid(7)), "other", NOW).unwrap();
    assert!(matches!(tenants.insert(&taken).await, Err(Error::Duplicate { field }) if field == "name"));
    assert_eq!(tenants.all().await.unwrap(), [default, other_tenant()]);
}
