-- The first schema. Written in what SQLite and PostgreSQL share: TEXT and BIGINT.
-- Times are microseconds since the Unix epoch, ids 32 hexadecimal digits, flags 0 or 1.
-- A unique index is called <table>_<field>, and <field> is its last column: refusals name the field by it.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX tenants_name ON tenants (name);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    username TEXT NOT NULL,
    domain TEXT NOT NULL,
    display_name TEXT NOT NULL,
    email TEXT,
    external_id TEXT,
    extension TEXT,
    context TEXT NOT NULL,
    template TEXT NOT NULL,
    max_contacts BIGINT NOT NULL,
    max_concurrent_calls BIGINT NOT NULL,
    permissions BIGINT NOT NULL,
    caller_id TEXT,
    enabled BIGINT NOT NULL,
    development_only BIGINT NOT NULL,
    secrets TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_username ON accounts (domain, username);
CREATE UNIQUE INDEX accounts_extension ON accounts (tenant, extension);

-- Without a foreign key: bindings are written behind in sets, and one that comes after its account was deleted
-- must not hold up the others. Readers join with accounts.
CREATE TABLE bindings (
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    aor TEXT NOT NULL,
    contact TEXT NOT NULL,
    instance TEXT,
    reg_id BIGINT,
    transport TEXT NOT NULL,
    local TEXT NOT NULL,
    remote TEXT NOT NULL,
    path TEXT NOT NULL,
    user_agent TEXT,
    call_id TEXT NOT NULL,
    cseq BIGINT NOT NULL,
    q_milli BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    registered_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- Without foreign keys: records outlive the accounts they name.
CREATE TABLE cdrs (
    uid TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    node BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    account TEXT,
    callee_account TEXT,
    external_id TEXT,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    direction TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ringing_at BIGINT,
    answered_at BIGINT,
    ended_at BIGINT,
    state TEXT NOT NULL,
    fault TEXT,
    cause BIGINT,
    reason TEXT,
    sip_status BIGINT,
    codec TEXT,
    legs TEXT NOT NULL
);
CREATE INDEX cdrs_started ON cdrs (tenant, started_at);
CREATE INDEX cdrs_from ON cdrs (tenant, from_number, started_at);
CREATE INDEX cdrs_to ON cdrs (tenant, to_number, started_at);
CREATE INDEX cdrs_account ON cdrs (account, started_at) WHERE account IS NOT NULL;
CREATE INDEX cdrs_callee ON cdrs (callee_account, started_at) WHERE callee_account IS NOT NULL;
CREATE INDEX cdrs_open ON cdrs (node, epoch) WHERE state = 'open';

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (username);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX tokens_name ON tokens (tenant, name);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);
