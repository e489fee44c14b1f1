import { readFile } from 'node:fs/promises';
import type { TicketCredential } from '../adapter/credential.ts';
import type { Address } from '../adapter/setting.ts';
import { KerberosProblem } from '../peer/kerberos/kerberos-problem.ts';
import { readKeytab } from '../peer/kerberos/keytab.ts';
import { type Principal, principalOf } from '../peer/kerberos/principal.ts';
import {
  type HeldTicket,
  type KerberosAccount,
  negotiateToken,
  serviceTicket,
  signIn,
} from '../peer/kerberos/tickets.ts';
import { CredentialError } from './credential-error.ts';
import type { EntryReader } from './entry-reader.ts';
import type { CredentialValues } from './kind/credential-kinds.ts';

type Values = Extract<CredentialValues, { readonly kind: 'kerberos' }>;

/** The tickets of the credentials of kind `kerberos`: each got once, for all who use it. */
export interface KerberosTickets {
  credential(name: string, values: Values): TicketCredential;
  /** Rejects with what can be found without a network. */
  check(name: string): Promise<void>;
  forget(which: (name: string) => boolean): void;
}

const PORT = 88;
/** Milliseconds before its end from which on a ticket is not used any more. */
const MARGIN = 60_000;
/** Hosts whose tickets one credential keeps: requests may go to addresses that messages name. */
const MOST_HOSTS = 100;

export function kerberosTickets(reader: EntryReader): KerberosTickets {
  const kept = new Map<string, Tickets>();
  const account = async (name: string): Promise<KerberosAccount> =>
    accountOf(name, await reader.readKind(name, 'kerberos', 'a ticket'));
  return {
    credential(name, { user, service }) {
      const principal = principalOf(user) ?? { parts: [user], realm: '' };
      return Object.freeze({
        kind: 'kerberos' as const,
        user,
        async ticket(host: string, signal: AbortSignal, { fresh = false } = {}) {
          signal.throwIfAborted();
          const tickets = kept.get(name) ?? new Tickets(principal, () => account(name));
          kept.set(name, tickets);
          try {
            return await tickets.token(service ?? `HTTP/${host}`, fresh);
          } catch (error) {
            throw refused(name, error);
          }
        },
      });
    },
    async check(name) {
      await account(name);
    },
    forget(which) {
      for (const name of kept.keys()) if (which(name)) kept.delete(name);
    },
  };
}

class Tickets {
  readonly #principal: Principal;
  readonly #account: () => Promise<KerberosAccount>;
  #granting: Promise<HeldTicket> | undefined;
  readonly #services = new Map<string, Promise<HeldTicket>>();

  constructor(principal: Principal, account: () => Promise<KerberosAccount>) {
    this.#principal = principal;
    this.#account = account;
  }

  async token(service: string, fresh: boolean): Promise<string> {
    let held = fresh ? undefined : await this.#valid(this.#services.get(service));
    if (held === undefined) {
      const getting = this.#get(service, fresh);
      this.#services.delete(service);
      this.#services.set(service, getting);
      for (const oldest of this.#services.keys()) {
        if (this.#services.size <= MOST_HOSTS) break;
        this.#services.delete(oldest);
      }
      held = await getting;
    }
    return negotiateToken(this.#principal, held).toString('base64');
  }

  async #get(service: string, fresh: boolean): Promise<HeldTicket> {
    const account = await this.#account();
    let granting = fresh ? undefined : await this.#valid(this.#granting);
    if (granting === undefined) {
      this.#granting = signIn(account);
      granting = await this.#granting;
    }
    return serviceTicket(account, granting, service.split('/'));
  }

  /** A ticket that is still good; undefined also if none could be had, of which the first caller was told. */
  async #valid(held: Promise<HeldTicket> | undefined): Promise<HeldTicket | undefined> {
    const ticket = await held?.catch(() => undefined);
    return ticket !== undefined && ticket.ends - MARGIN > Date.now() ? ticket : undefined;
  }
}

async function accountOf(
  name: string,
  { user, password, keytab, kdc }: Values,
): Promise<KerberosAccount> {
  const principal = principalOf(user) ?? { parts: [user], realm: '' };
  const centers = kdc.map(addressOf);
  if (password !== undefined) return { principal, centers, secret: { password } };
  const file = keytab ?? '';
  try {
    return { principal, centers, secret: { keys: readKeytab(await readFile(file), file) } };
  } catch (error) {
    if (error instanceof KerberosProblem) throw refused(name, error);
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new CredentialError(
      code === 'ENOENT' ? 'CREDENTIAL_MISSING' : 'CREDENTIAL_REFUSED',
      name,
      {
        cause: `the keytab ${file} cannot be read: ${code}`,
        remedy: 'Put it there, readable for the account of Waybill and for nobody else',
      },
    );
  }
}

function addressOf(text: string): Address {
  const [, host = text, port = String(PORT)] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  return { host, port: Number(port) };
}

function refused(name: string, error: unknown): unknown {
  if (!(error instanceof KerberosProblem)) return error;
  const { message: cause, remedy, passing } = error;
  const code = passing ? 'CREDENTIAL_UNAVAILABLE' : 'CREDENTIAL_REFUSED';
  return new CredentialError(code, name, { cause, remedy, retryable: passing });
}
