import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Broker, connectBroker } from '../broker/broker.ts';
import { type NatsAccess, readNatsState } from '../broker/embedded/nats-server.ts';
import { productionsOf } from '../broker/productions.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { filledUrl, urlOption } from './secret-url.ts';

/** How a command finds a running production. */
export interface WhereOptions {
  /** The folder that `waybill run --data` uses. */
  readonly data: string;
  readonly nats?: string;
  readonly production?: string;
}

export const DATA = 'waybill-data';

/** The NATS of a running production: the one named, or the embedded one of the data folder. */
async function natsAccess({ data, nats }: WhereOptions): Promise<NatsAccess> {
  if (nats !== undefined) return accessOf(filledUrl('nats', nats));
  const state = await readNatsState(resolve(data));
  if (state !== undefined) return state;
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `no running production was found in ${data}. Start one with waybill run, or name its --data folder or its --nats server.`,
  );
}

/** The parts of `nats://user:password@host:port`; the password is never printed. */
export function accessOf(url: string): NatsAccess {
  const servers = url.split(',');
  const first = new URL(servers[0] ?? url);
  const plain = servers.map((one) => {
    const { protocol, host } = new URL(one);
    return `${protocol}//${host}`;
  });
  if (first.username === '') return { url: plain.join(',') };
  return {
    url: plain.join(','),
    user: decodeURIComponent(first.username),
    password: decodeURIComponent(first.password),
  };
}

/**
 * Runs a command against a running production and disconnects. The production's name is optional if
 * there is only one.
 */
export async function withBroker<Result>(
  options: WhereOptions,
  run: (broker: Broker) => Promise<Result>,
): Promise<Result> {
  const access = await natsAccess(options);
  const production = options.production ?? (await soleProduction(access));
  await using broker = await connectBroker({ ...access, production, role: 'command' });
  return await run(broker);
}

/** What a command found in one production, or why it did not answer. */
export interface FoundIn<Result> {
  readonly production: string;
  readonly result?: Result | undefined;
  readonly away?: EngineError;
}

/**
 * Runs a command against the named production, or against every one that the server has. One that
 * does not answer holds up nothing; if none does, the first error is thrown.
 */
export async function withEach<Result>(
  options: WhereOptions,
  run: (broker: Broker, several: boolean) => Promise<Result>,
): Promise<FoundIn<Result>[]> {
  const access = await natsAccess(options);
  const { production: named } = options;
  const names = named === undefined ? await knownProductions(access) : [named];
  if (names.length === 0) throw new EngineError('NOT_FOUND', 'this NATS server has no production');
  const found: FoundIn<Result>[] = [];
  for (const production of names) {
    await using broker = await connectBroker({ ...access, production, role: 'command' });
    try {
      found.push({ production, result: await run(broker, names.length > 1) });
    } catch (error) {
      if (!isEngineError(error)) throw error;
      found.push({ production, away: error });
    }
  }
  const [first] = found;
  if (first?.away !== undefined && found.every(({ away }) => away !== undefined)) throw first.away;
  return found;
}

async function knownProductions(access: NatsAccess): Promise<string[]> {
  await using broker = await connectBroker({ ...access, production: '-', role: 'command' });
  return await productionsOf(broker);
}

async function soleProduction(access: NatsAccess): Promise<string> {
  const found = await knownProductions(access);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new EngineError(
    'NOT_FOUND',
    found.length === 0
      ? 'this NATS server has no production'
      : `this NATS server has ${found.join(', ')}: choose one with --production`,
  );
}

/** The options of every command that talks to a running production. */
export function whereOptions(command: Command): Command {
  return natsOptions(command).option(
    '--production <name>',
    'which production, if the server has several; status, find and trace take all of them',
  );
}

/** Which NATS a command talks to. */
export function natsOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'the folder that waybill run uses', DATA)
    .addOption(
      urlOption('nats', 'the NATS server of the production, if it is not an embedded one'),
    );
}

/**
 * Who gives an order, for the trace and the audit log: the account that runs this process,
 * according to the operating system and not `$USER`, which anybody can set; with the account that
 * signed in if it was switched (`sudo`). This program says so itself: anyone who reaches NATS with another
 * program can say anything.
 */
export function orderedBy(): string {
  const uid = process.getuid?.();
  const name = accountName() ?? `uid ${uid ?? 'unknown'}`;
  const login = loginUid();
  return login === undefined || login === uid ? name : `${name} (signed in as uid ${login})`;
}

function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch (error) {
    // a container's account without a name
    return tolerate(error, isSystemError, 'reading the name of the account');
  }
}

/** Who signed in at the machine; Linux keeps it across `sudo` and `su`. */
function loginUid(): number | undefined {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    // nobody signed in for a service
    return uid === NOBODY ? undefined : uid;
  } catch (error) {
    // another system
    return tolerate(error, isSystemError, 'reading who signed in');
  }
}

const NOBODY = 2 ** 32 - 1;
