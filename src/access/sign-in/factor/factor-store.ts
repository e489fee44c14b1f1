import { createHash } from 'node:crypto';
import { oneTimePassword } from '../../../credential/password.ts';
import type { MetaDatabase, MetaRow, MetaSession } from '../../meta/meta-database.ts';
import type { Identity } from '../../rights/principal-for.ts';

/** An authenticator app. */
export interface StoredTotp {
  readonly sealed: string;
  readonly created: number;
  readonly lastUsed: number | undefined;
}

export interface StoredPasskey {
  /** Base64url, as browsers have it. */
  readonly id: string;
  /** The name of the console that it was made for. */
  readonly site: string;
  readonly label: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly created: number;
  readonly lastUsed: number | undefined;
}

/** What people sign in with besides their password, by owner (see `ownerOf`). */
export interface FactorStore {
  totp(owner: string): Promise<StoredTotp | undefined>;
  passkeys(owner: string): Promise<readonly StoredPasskey[]>;
  /** How many recovery codes are left. */
  codesLeft(owner: string): Promise<number>;
  /** Owners that have an app or a passkey, with which. */
  all(): Promise<ReadonlyMap<string, readonly FactorKind[]>>;
  /** The kinds that somebody has. */
  kinds(owner: string): Promise<readonly FactorKind[]>;
  /** Replaces the app; `step` is that of the code that proved it. */
  putTotp(owner: string, sealed: string, step: number): Promise<void>;
  /** The same secret, sealed again. */
  reseal(owner: string, sealed: string): Promise<void>;
  /** Whether a code of that step may be used: once, never an earlier one, none whose time was told. */
  useStep(owner: string, step: number): Promise<boolean>;
  /** Notes a step whose code somebody was told is valid at another time: it is not taken then. */
  tellStep(owner: string, step: number): Promise<void>;
  /** Resolves to whether it was added: an authenticator's id is kept once, whoever brings it. */
  addPasskey(owner: string, key: Omit<StoredPasskey, 'created' | 'lastUsed'>): Promise<boolean>;
  usedPasskey(id: string, counter: number): Promise<void>;
  /** Removes a factor: `totp`, or a passkey by its id; the last one only if it `may` be. */
  remove(
    owner: string,
    which: string,
    may: { readonly last: boolean },
  ): Promise<'removed' | 'absent' | 'last'>;
  /** New recovery codes, which void all earlier ones. */
  newCodes(owner: string): Promise<readonly string[]>;
  /** Recovery codes for a person who has none, otherwise undefined. Of two requests at once, one gets them. */
  firstCodes(owner: string): Promise<readonly string[] | undefined>;
  /** Uses a recovery code up. */
  useCode(owner: string, code: string): Promise<boolean>;
  /** Removes everything. Resolves to whether there was anything. */
  forget(owner: string): Promise<boolean>;
}

export type FactorKind = 'totp' | 'passkey';

const CODES = 10;

/** Under which factors are kept: the same name from elsewhere is another person. */
export const ownerOf = ({ via, name }: Pick<Identity, 'via' | 'name'>): string =>
  `${via} ${name.toLowerCase()}`;

/** Removes everything that an owner signs in with besides the password. */
export async function forgetFactors(session: MetaSession, owner: string): Promise<boolean> {
  let removed = 0;
  for (const table of ['totp', 'passkey', 'recovery_code'])
    removed += await session.run(`DELETE FROM ${table} WHERE owner = ?`, owner);
  return removed > 0;
}

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function factorStore(database: MetaDatabase, now: () => number = Date.now): FactorStore {
  const kinds = 'SELECT owner, 1 AS app FROM totp UNION ALL SELECT owner, 0 AS app FROM passkey';
  return {
    async totp(owner) {
      const row = await database.get('SELECT * FROM totp WHERE owner = ?', owner);
      return row === undefined
        ? undefined
        : {
            sealed: String(row['secret']),
            created: Number(row['created']),
            lastUsed: timeOf(row['last_used']),
          };
    },
    passkeys: async (owner) =>
      (await database.all('SELECT * FROM passkey WHERE owner = ? ORDER BY created', owner)).map(
        passkeyOf,
      ),
    async codesLeft(owner) {
      const row = await database.get<{ n: number }>(
        'SELECT count(*) AS n FROM recovery_code WHERE owner = ?',
        owner,
      );
      return row?.n ?? 0;
    },
    async all() {
      const rows = await database.all<{ owner: string; app: number }>(kinds);
      const byOwner = Map.groupBy(rows, ({ owner }) => owner);
      return new Map([...byOwner].map(([owner, of]) => [owner, kindsOf(of)]));
    },
    kinds: async (owner) =>
      kindsOf(
        await database.all<{ app: number }>(
          `SELECT app FROM (${kinds}) AS every WHERE owner = ?`,
          owner,
        ),
      ),
    async putTotp(owner, sealed, step) {
      await database.run(
        `INSERT INTO totp(owner, secret, last_step, told_step, created) VALUES (?,?,?,0,?)
           ON CONFLICT(owner) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step,
             told_step = 0, created = excluded.created, last_used = NULL`,
        owner,
        sealed,
        step,
        now(),
      );
    },
    async reseal(owner, sealed) {
      await database.run('UPDATE totp SET secret = ? WHERE owner = ?', sealed, owner);
    },
    useStep: async (owner, step) =>
      (await database.run(
        `UPDATE totp SET last_step = ?, last_used = ? WHERE owner = ? AND last_step < ? AND told_step <> ?`,
        step,
        now(),
        owner,
        step,
        step,
      )) === 1,
    async tellStep(owner, step) {
      await database.run('UPDATE totp SET told_step = ? WHERE owner = ?', step, owner);
    },
    async addPasskey(owner, { id, site, label, publicKey, counter, transports }) {
      const added = await database.run(
        `INSERT INTO passkey(id, owner, site, label, public_key, counter, transports, created)
           VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
        id,
        owner,
        site,
        label,
        publicKey,
        counter,
        JSON.stringify(transports),
        now(),
      );
      return added === 1;
    },
    async usedPasskey(id, counter) {
      await database.run(
        'UPDATE passkey SET counter = ?, last_used = ? WHERE id = ?',
        counter,
        now(),
        id,
      );
    },
    remove: (owner, which, may) =>
      database.transaction(async (session) => {
        const has = `SELECT id FROM passkey WHERE owner = ? UNION ALL SELECT 'totp' FROM totp WHERE owner = ?`;
        const ids = (await session.all<{ id: string }>(has, owner, owner)).map(({ id }) => id);
        if (!ids.includes(which)) return 'absent';
        if (ids.length === 1 && !may.last) return 'last';
        if (which === 'totp') await session.run('DELETE FROM totp WHERE owner = ?', owner);
        else await session.run('DELETE FROM passkey WHERE owner = ? AND id = ?', owner, which);
        return 'removed';
      }),
    newCodes: (owner) =>
      database.transaction(async (session) => {
        await session.run('DELETE FROM recovery_code WHERE owner = ?', owner);
        return addCodes(session, owner);
      }),
    firstCodes: (owner) =>
      database.transaction(async (session) =>
        (await session.get('SELECT 1 FROM recovery_code WHERE owner = ?', owner)) === undefined
          ? addCodes(session, owner)
          : undefined,
      ),
    useCode: async (owner, code) =>
      (await database.run(
        'DELETE FROM recovery_code WHERE owner = ? AND hash = ?',
        owner,
        hashOfCode(code),
      )) === 1,
    forget: (owner) => database.transaction((session) => forgetFactors(session, owner)),
  };
}

const kindsOf = (rows: readonly { readonly app: number }[]): readonly FactorKind[] => [
  ...new Set(rows.map(({ app }) => (app === 1 ? 'totp' : 'passkey'))),
];

async function addCodes(session: MetaSession, owner: string): Promise<readonly string[]> {
  const codes = Array.from({ length: CODES }, recoveryCode);
  for (const code of codes)
    await session.run('INSERT INTO recovery_code VALUES (?, ?)', owner, hashOfCode(code));
  return codes;
}

/** 92 bits, so that a plain hash is enough: `AbCd-EfGh-JkMn-PqRs`. */
function recoveryCode(): string {
  return oneTimePassword()
    .slice(0, 16)
    .replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** Of a code that a person types, without what only makes it readable. */
export const hashOfCode = (code: string): Buffer =>
  createHash('sha256')
    .update(code.replaceAll(/[^\p{L}\d]/gu, ''))
    .digest();

const timeOf = (value: unknown): number | undefined => (value === null ? undefined : Number(value));

function passkeyOf(row: MetaRow): StoredPasskey {
  return {
    id: String(row['id']),
    site: String(row['site']),
    label: String(row['label']),
    publicKey: row['public_key'] as Uint8Array,
    counter: Number(row['counter']),
    transports: JSON.parse(String(row['transports'])) as string[],
    created: Number(row['created']),
    lastUsed: timeOf(row['last_used']),
  };
}
