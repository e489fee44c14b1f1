/**
 * The tables, written for SQLite; for PostgreSQL only the names of the types are replaced. Names of
 * people are compared by `lower()`.
 */
export const META_TABLES = `
CREATE TABLE IF NOT EXISTS "user"(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT NOT NULL,
  must_change INTEGER NOT NULL, roles TEXT NOT NULL, scope TEXT NOT NULL, expires INTEGER,
  break_glass INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, last_sign_in INTEGER) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS user_name ON "user"(lower(name));
CREATE TABLE IF NOT EXISTS sign_in_failure(
  key TEXT PRIMARY KEY, count INTEGER NOT NULL, next_try INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS web_session(
  id BLOB PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, via TEXT NOT NULL, roles TEXT NOT NULL,
  scope TEXT NOT NULL, csrf TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL,
  ip TEXT NOT NULL, provider TEXT, id_token TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_token(
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, label TEXT NOT NULL,
  "user" TEXT NOT NULL COLLATE NOCASE, permissions TEXT, family TEXT NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, last_used INTEGER, revoked INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS api_token_family ON api_token(family);
CREATE TABLE IF NOT EXISTS sign_in_settings(digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enforcement(
  digest TEXT PRIMARY KEY, tested INTEGER, since INTEGER, last_success INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oidc_attempt(
  id BLOB PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shared_key(name TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS saved_search(
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, shared INTEGER NOT NULL, criteria TEXT NOT NULL,
  UNIQUE(owner, name)) STRICT;
CREATE TABLE IF NOT EXISTS preference(owner TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job(
  id INTEGER PRIMARY KEY, type TEXT NOT NULL, by TEXT NOT NULL, reason TEXT, target TEXT, created INTEGER NOT NULL,
  ended INTEGER, state TEXT NOT NULL, orderer TEXT NOT NULL, why TEXT) STRICT;
CREATE TABLE IF NOT EXISTS job_item(
  job_id INTEGER NOT NULL, n INTEGER NOT NULL, message_id INTEGER NOT NULL, state TEXT NOT NULL, result_id INTEGER,
  code TEXT, text TEXT, PRIMARY KEY(job_id, n)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS job_item_state ON job_item(job_id, state);
CREATE TABLE IF NOT EXISTS frozen_list(
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, created INTEGER NOT NULL, visible TEXT NOT NULL, ids TEXT NOT NULL,
  complete INTEGER NOT NULL, job INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS alert(
  id INTEGER PRIMARY KEY, rule TEXT NOT NULL, object TEXT NOT NULL, host TEXT, level TEXT NOT NULL, text TEXT NOT NULL,
  state TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, notified INTEGER, ended INTEGER,
  owner TEXT, snoozed INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS alert_open ON alert(rule, object) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS alert_comment(
  id INTEGER PRIMARY KEY, alert_id INTEGER NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS alert_comment_alert ON alert_comment(alert_id);
CREATE TABLE IF NOT EXISTS hold(
  session_id INTEGER PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER) STRICT;
`;

/** Sign-ins in progress are now in the browser's cookie; refused ones are counted. */
export const SECOND_META_TABLES = `
DROP TABLE IF EXISTS oidc_attempt;
CREATE TABLE IF NOT EXISTS refused_sign_in(
  minute INTEGER NOT NULL, name TEXT NOT NULL, via TEXT NOT NULL, ip TEXT NOT NULL, cause TEXT NOT NULL,
  count INTEGER NOT NULL, audited INTEGER NOT NULL, PRIMARY KEY(minute, name, via, ip, cause)) STRICT, WITHOUT ROWID;
`;

/** The results of the messages made by a job, and the final counts of a job that is over. */
export const THIRD_META_TABLES = `
ALTER TABLE job ADD COLUMN counted TEXT;
ALTER TABLE job_item ADD COLUMN followed INTEGER;
ALTER TABLE job_item ADD COLUMN at INTEGER;
ALTER TABLE job_item ADD COLUMN outcome TEXT;
ALTER TABLE job_item ADD COLUMN outcome_id INTEGER;
ALTER TABLE job_item ADD COLUMN outcome_host TEXT;
ALTER TABLE job_item ADD COLUMN outcome_code TEXT;
ALTER TABLE job_item ADD COLUMN outcome_cause TEXT;
CREATE INDEX IF NOT EXISTS job_item_followed ON job_item(job_id, n) WHERE followed = 1;
CREATE INDEX IF NOT EXISTS job_item_outcome ON job_item(job_id, outcome);
`;

/** Changes of the production's files that people propose in the console. */
export const FOURTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS file_draft(
  id INTEGER PRIMARY KEY, by TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, edits TEXT NOT NULL,
  state TEXT NOT NULL, decided_by TEXT, decided_at INTEGER) STRICT;
`;

/** Whom alerts were sent to and what became of it; who is on call instead of whom the rota names. */
export const FIFTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS alert_delivery(
  id INTEGER PRIMARY KEY, alert_id INTEGER NOT NULL, news TEXT NOT NULL, step INTEGER NOT NULL, recipient TEXT NOT NULL,
  tried INTEGER NOT NULL, channel TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, message_id INTEGER, text TEXT,
  UNIQUE(alert_id, news, step, recipient, tried)) STRICT;
CREATE INDEX IF NOT EXISTS alert_delivery_open ON alert_delivery(state) WHERE state <> 'delivered';
CREATE TABLE IF NOT EXISTS on_call(
  id INTEGER PRIMARY KEY, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, who TEXT NOT NULL, by TEXT NOT NULL,
  reason TEXT NOT NULL) STRICT;
`;

/** Assertions of SAML that were used. */
export const SIXTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS used_assertion(id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Who saw patient data unmasked in an emergency, and whether people were told. */
export const SEVENTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS emergency(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, via TEXT NOT NULL, reason TEXT NOT NULL, from_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL, told INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS emergency_until ON emergency(until_at);
CREATE INDEX IF NOT EXISTS emergency_untold ON emergency(id) WHERE told = 0;
`;

/** What a proposed change was found to do to real messages. */
export const EIGHTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS file_draft_trial(draft_id INTEGER PRIMARY KEY, trial TEXT NOT NULL) STRICT;
`;

/** What people sign in with besides their password; `owner` is how and as whom they sign in, `local anna`. */
export const NINTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS totp(
  owner TEXT PRIMARY KEY, secret TEXT NOT NULL, last_step INTEGER NOT NULL, told_step INTEGER NOT NULL, created INTEGER NOT NULL,
  last_used INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passkey(
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, site TEXT NOT NULL, label TEXT NOT NULL, public_key BLOB NOT NULL,
  counter INTEGER NOT NULL, transports TEXT NOT NULL, created INTEGER NOT NULL, last_used INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passkey_owner ON passkey(owner);
CREATE TABLE IF NOT EXISTS recovery_code(
  owner TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(owner, hash)) STRICT, WITHOUT ROWID;
`;

/** Comments on alerts become notes, which may also be about a host or a message; when people last looked. */
export const TENTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS note(
  id INTEGER PRIMARY KEY, about TEXT NOT NULL, object TEXT NOT NULL, hosts TEXT NOT NULL, at INTEGER NOT NULL,
  by TEXT NOT NULL, via TEXT NOT NULL, text TEXT NOT NULL, edited INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS note_about ON note(about, object);
CREATE INDEX IF NOT EXISTS note_at ON note(at);
INSERT INTO note(about, object, hosts, at, by, via, text)
  SELECT 'alert', CAST(c.alert_id AS TEXT), CASE WHEN a.host IS NULL THEN '[]' ELSE '["' || a.host || '"]' END,
    c.at, c.by, 'local', c.text FROM alert_comment c JOIN alert a ON a.id = c.alert_id ORDER BY c.id;
DROP TABLE alert_comment;
CREATE TABLE IF NOT EXISTS presence(
  owner TEXT PRIMARY KEY, seen INTEGER NOT NULL, away_from INTEGER, away_to INTEGER) STRICT, WITHOUT ROWID;
`;

/** How many messages of a job are alike: their state, and what became of them and why. */
export const ELEVENTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS job_count(
  job_id INTEGER NOT NULL, label TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT, host TEXT, code TEXT, cause TEXT,
  sample INTEGER, n INTEGER NOT NULL, PRIMARY KEY(job_id, label)) STRICT, WITHOUT ROWID;
INSERT INTO job_count(job_id, label, state, outcome, host, code, cause, sample, n)
  SELECT job_id, 'n' || min(n), state,
      CASE WHEN result_id IS NULL OR followed IS NULL THEN NULL ELSE coalesce(outcome, 'under-way') END,
      outcome_host, outcome_code, outcome_cause, max(outcome_id), count(*)
    FROM job_item GROUP BY job_id, state,
      CASE WHEN result_id IS NULL OR followed IS NULL THEN NULL ELSE coalesce(outcome, 'under-way') END,
      outcome_host, outcome_code, outcome_cause;
`;

/** Planned work, during which nobody is told of what it causes; `hosts` is a list in JSON, empty for all. */
export const TWELFTH_META_TABLES = `
CREATE TABLE IF NOT EXISTS maintenance(
  id INTEGER PRIMARY KEY, hosts TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, reason TEXT NOT NULL,
  by TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS maintenance_to ON maintenance(to_at);
`;

export const AUDIT_TABLES = `
CREATE TABLE IF NOT EXISTS audit(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, ip TEXT NOT NULL,
  action TEXT NOT NULL, object TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS audit_actor ON audit(actor, seq);
CREATE INDEX IF NOT EXISTS audit_object ON audit(object, seq);
CREATE TABLE IF NOT EXISTS audit_key(key BLOB NOT NULL) STRICT;
`;

/**
 * Which rows name a value by its hash. Rows of before are read as a whole; the row with the hash `''` says up to
 * which one.
 */
export const THIRD_AUDIT_TABLES = `
CREATE TABLE IF NOT EXISTS audit_hash(
  hash TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(hash, seq)) STRICT, WITHOUT ROWID;
INSERT INTO audit_hash(hash, seq) SELECT '', coalesce(max(seq), 0) FROM audit;
`;

/** Tables whose rows are never changed or removed. */
export const APPENDED = ['audit'] as const;

/** The database's error if somebody tries. */
export const ONLY_APPENDED = 'the audit log can only be appended to';
