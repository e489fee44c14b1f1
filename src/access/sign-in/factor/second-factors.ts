import { createHmac } from 'node:crypto';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { ApiError } from '../../../web/api-error.ts';
import type { Identity } from '../../rights/principal-for.ts';
import type { FactorSeal } from './factor-seal.ts';
import { type FactorKind, type FactorStore, ownerOf } from './factor-store.ts';
import {
  madePasskey,
  newPasskeyOptions,
  passkeyObstacle,
  passkeyRequest,
  type Site,
} from './passkeys.ts';
import { base32, keyUri, newSecret, timeOf } from './totp.ts';

/** Who somebody is, for this. */
export type Person = Pick<Identity, 'name' | 'via' | 'roles' | 'breakGlass'>;

/** What somebody may see of their own second factors. */
export interface OwnFactors {
  readonly required: boolean;
  readonly totp: { readonly created: number; readonly lastUsed: number | undefined } | undefined;
  readonly passkeys: readonly OwnPasskey[];
  readonly codesLeft: number;
  /** Why no passkey can be made where the browser is. */
  readonly obstacle: string | undefined;
}

export interface OwnPasskey {
  readonly id: string;
  readonly label: string;
  /** The name of the console that it belongs to. */
  readonly site: string;
  readonly created: number;
  readonly lastUsed: number | undefined;
}

/** What is asked for after a password. */
export interface Asked {
  readonly kinds: readonly FactorKind[];
  /** Undefined without a passkey for this site. */
  readonly passkey: PublicKeyCredentialRequestOptionsJSON | undefined;
}

/** What proved a new factor; with the first one come the recovery codes. */
export interface Added {
  readonly codes: readonly string[] | undefined;
  /** It was begun as the first one, but another one came before it, with the codes. */
  readonly codesElsewhere: boolean | undefined;
}

/** The second factors of local users, and of a directory's people if that is set. */
export interface SecondFactors {
  readonly store: FactorStore;
  readonly seal: FactorSeal;
  /** Whether somebody who signed in this way may have one here. */
  mayHave(person: Pick<Person, 'via'>): boolean;
  /** Whether they need one and have none. */
  isMissing(person: Person): Promise<boolean>;
  /** What to ask for after the password; undefined if they have no second factor. */
  asked(person: Person, site: Site): Promise<Asked | undefined>;
  own(person: Person, site: Site): Promise<OwnFactors>;
  /** A new secret for an app. It is kept once a code proves that the app has it. */
  newTotp(person: Person, site: Site): Promise<NewTotp>;
  /** Rejects with CREDENTIAL_REFUSED. */
  addTotp(person: Person, ticket: string, code: string): Promise<Added>;
  newPasskey(person: Person, site: Site): Promise<NewPasskey>;
  /** Rejects with CREDENTIAL_REFUSED, and with CONFLICT for one that is kept already. */
  addPasskey(person: Person, site: Site, made: MadePasskey): Promise<Added>;
  /** Removes `totp` or the passkey with that id. Rejects with NOT_FOUND, and with CONFLICT for the last one of who needs one. */
  remove(person: Person, which: string): Promise<void>;
}

interface NewTotp {
  readonly secret: string;
  readonly uri: string;
  /** To be sent back with the first code. */
  readonly ticket: string;
}

interface NewPasskey {
  readonly options: PublicKeyCredentialCreationOptionsJSON;
  readonly ticket: string;
}

export interface MadePasskey {
  readonly ticket: string;
  readonly label: string;
  readonly response: unknown;
}

interface SecondFactorsOptions {
  readonly store: FactorStore;
  readonly seal: FactorSeal;
  /** Whether people of a directory have one here too. */
  readonly ldap: boolean;
  /** Whether somebody with these roles needs one. */
  readonly needs: (roles: readonly string[]) => boolean;
  /** The installation's, for handles that tell no name. */
  readonly key: Uint8Array;
  readonly now?: () => number;
}

/** Milliseconds for setting one up. */
const PATIENCE = 15 * 60_000;
const MOST_PASSKEYS = 20;

/** The label under which the secret of somebody's app is sealed. */
export const totpLabel = (owner: string): string => `totp ${owner}`;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function secondFactors({
  store,
  seal,
  ldap,
  needs,
  key,
  now = Date.now,
}: SecondFactorsOptions): SecondFactors {
  const mayHave = ({ via }: Pick<Person, 'via'>): boolean =>
    via === 'local' || (ldap && via.startsWith('ldap '));
  const isRequired = (person: Person): boolean =>
    mayHave(person) && person.breakGlass !== true && needs(person.roles);
  const ticket = async (kind: string, owner: string, content: string): Promise<string> => {
    const isFirst = (await store.kinds(owner)).length === 0;
    return seal.seal(
      `new ${kind} ${owner}`,
      JSON.stringify({ content, isFirst, until: now() + PATIENCE }),
    );
  };
  const opened = (kind: string, owner: string, text: string): Ticket => {
    const found = seal.open(`new ${kind} ${owner}`, text);
    const told = JSON.parse(found ?? '{"until":0}') as Ticket;
    if (told.until >= now()) return told;
    throw new ApiError(
      422,
      'CREDENTIAL_REFUSED',
      'this took too long, or was begun by somebody else: begin again',
    );
  };
  const added = async (owner: string, { isFirst = true }: Ticket): Promise<Added> => {
    const codes = isFirst ? await store.firstCodes(owner) : undefined;
    return { codes, codesElsewhere: isFirst && codes === undefined ? true : undefined };
  };
  return {
    store,
    seal,
    mayHave,
    isMissing: async (person) =>
      isRequired(person) && (await store.kinds(ownerOf(person))).length === 0,
    async asked(person, site) {
      if (!mayHave(person)) return undefined;
      const owner = ownerOf(person);
      const kinds = await store.kinds(owner);
      if (kinds.length === 0) return undefined;
      return { kinds, passkey: await passkeyRequest(site, await store.passkeys(owner)) };
    },
    async own(person, site) {
      const owner = ownerOf(person);
      const app = await store.totp(owner);
      const passkeys = await store.passkeys(owner);
      return {
        required: isRequired(person),
        totp: app && { created: app.created, lastUsed: app.lastUsed },
        passkeys: passkeys.map(({ id, label, site: of, created, lastUsed }) => ({
          id,
          label,
          site: of,
          created,
          lastUsed,
        })),
        codesLeft: await store.codesLeft(owner),
        obstacle: passkeyObstacle(site),
      };
    },
    async newTotp(person, site) {
      const secret = newSecret();
      return {
        secret: base32(secret),
        uri: keyUri(secret, person.name, `Waybill ${site.name}`),
        ticket: await ticket('totp', ownerOf(person), secret.toString('base64')),
      };
    },
    async addTotp(person, given, code) {
      const owner = ownerOf(person);
      const begun = opened('totp', owner, given);
      const secret = Buffer.from(begun.content, 'base64');
      const found = timeOf(code.replaceAll(/\s/g, ''), secret, now());
      if (found?.off !== 0) {
        const why = found === undefined ? 'this code is wrong' : clockIsOff(found.off, now());
        throw new ApiError(422, 'CREDENTIAL_REFUSED', why);
      }
      await store.putTotp(
        owner,
        seal.seal(totpLabel(owner), secret.toString('base64')),
        found.step,
      );
      return added(owner, begun);
    },
    async newPasskey(person, site) {
      const owner = ownerOf(person);
      const known = await store.passkeys(owner);
      if (known.length >= MOST_PASSKEYS)
        throw new ApiError(
          409,
          'CONFLICT',
          `nobody needs more than ${MOST_PASSKEYS} passkeys: remove one first`,
        );
      const handle = createHmac('sha256', key).update(`passkey ${owner}`).digest();
      const options = await newPasskeyOptions(site, person.name, { handle, known });
      return { options, ticket: await ticket('passkey', owner, options.challenge) };
    },
    async addPasskey(person, site, { ticket: given, label, response }) {
      const owner = ownerOf(person);
      const begun = opened('passkey', owner, given);
      const made = await madePasskey(response, { site, challenge: begun.content });
      if (!(await store.addPasskey(owner, { ...made, label })))
        throw new ApiError(
          409,
          'CONFLICT',
          'this passkey is kept here already, by you or by somebody else: make another one',
        );
      return added(owner, begun);
    },
    async remove(person, which) {
      const owner = ownerOf(person);
      const removed = await store.remove(owner, which, { last: !isRequired(person) });
      if (removed === 'last')
        throw new ApiError(
          409,
          'CONFLICT',
          'you need a second factor here: add another one before this one is removed',
        );
      if (removed === 'absent')
        throw new ApiError(404, 'NOT_FOUND', 'there is no such second factor');
      // recovery codes stand in for a factor; without one they would only be asked for
      if ((await store.kinds(owner)).length === 0) await store.forget(owner);
    },
  };
}

interface Ticket {
  readonly content: string;
  /** There was no other second factor when it was begun; one of an earlier version does not say. */
  readonly isFirst?: boolean;
  readonly until: number;
}

/** What to say if a code is right, but for another time. */
export function clockIsOff(off: number, now: number): string {
  const minutes = Math.max(1, Math.round(Math.abs(off) / 60_000));
  const time = new Date(now).toISOString().slice(11, 16);
  const way = off < 0 ? 'behind' : 'ahead of';
  return `the code is right, but for another time: the clock of the device that shows it is about ${minutes} min ${way} this server’s (${time} UTC); set both by the network, then use a new code`;
}
