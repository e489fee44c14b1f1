import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Algorithms, ConnectConfig } from 'ssh2';
import { DisableError, type Lent, type setting } from 'waybill/adapter';
import type { Attempt } from './connect-failure.ts';
import { type HostKeyPin, preferredAlgorithms, readPin, showHostKey } from './host-key.ts';
import type { JumpSettings, SshSettings } from './ssh-settings.ts';
import { signIn } from './ssh-sign-in.ts';

/** What connecting needs from what the engine lends. */
export interface ConnectLent<Values extends SshSettings = SshSettings>
  extends Pick<Lent<setting.Settings>, 'credential'>,
    Partial<Pick<Lent<setting.Settings>, 'event'>> {
  readonly settings: Values;
}

/** Called with the stages of a connection: the connection test reports them one by one. */
export interface Stages {
  banner?(software: string): void;
  hostKey?(attempt: Attempt): void;
  /** The stages of the jump host, if there is one. */
  readonly jump?: Stages & { signedIn?(attempt: Attempt): void; through?(): void };
}

/** One try to connect to the server, or to the jump host before it. */
export async function prepare(
  { settings, credential }: ConnectLent,
  target: Pick<JumpSettings, 'connect' | 'credential' | 'hostKey' | 'knownHosts'>,
  place: string,
): Promise<Attempt> {
  const file = target.knownHosts;
  const known: KnownHost =
    file === undefined
      ? { trusted: [], revoked: [], byCertificate: false }
      : knownHost(await readKnownHosts(file), target.connect);
  return {
    place,
    timeout: settings.connectTimeout,
    trusted: [...target.hostKey, ...known.trusted],
    revoked: known.revoked,
    byCertificate: known.byCertificate,
    signIn: signIn(await credential(target.credential)),
    shown: undefined,
    passwordExpired: false,
  };
}

/** The library's options, the same for a server and a jump host. */
export function sshOptions(
  socket: Duplex,
  {
    attempt,
    settings,
    stages,
  }: {
    readonly attempt: Attempt;
    readonly settings: SshSettings;
    readonly stages: Pick<Stages, 'hostKey'>;
  },
): ConnectConfig {
  return {
    sock: socket,
    username: attempt.signIn.user,
    authHandler: attempt.signIn.handler,
    // Must not be async: the library would take the promise as a yes.
    hostVerifier: (key: Buffer): boolean => {
      attempt.shown = showHostKey(key, attempt.trusted, attempt.revoked);
      stages.hostKey?.(attempt);
      return attempt.shown.trusted;
    },
    // the limit of time is ours: two clocks would give two causes
    readyTimeout: 0,
    keepaliveInterval: Number.isFinite(settings.keepAlive) ? settings.keepAlive : 0,
    keepaliveCountMax: 3,
    algorithms: algorithmsOf(settings.algorithms, attempt.trusted),
  };
}

async function readKnownHosts(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DisableError(
      `The file named by knownHosts cannot be read (${(error as { code?: string }).code}). Correct the path, or give the host key in hostKey.`,
    );
  }
}

type Choice = string[] | { append: string[]; prepend: string[]; remove: string[] } | undefined;

/** The `algorithms` block as the SSH library wants it; the kinds of trusted keys come first, unless the block says it all. */
function algorithmsOf(
  block: SshSettings['algorithms'],
  trusted: readonly HostKeyPin[],
): Algorithms {
  const chosen = {
    kex: choiceOf(block?.keyExchange),
    serverHostKey: hostKeyChoice(choiceOf(block?.hostKey), trusted),
    cipher: choiceOf(block?.cipher),
    hmac: choiceOf(block?.mac),
  };
  // The names are checked by the library, which says which one it does not know.
  return Object.fromEntries(
    Object.entries(chosen).filter(([, choice]) => choice !== undefined),
  ) as Algorithms;
}

function hostKeyChoice(choice: Choice, trusted: readonly HostKeyPin[]): Choice {
  if (Array.isArray(choice)) return choice;
  const change = { added: choice?.append ?? [], removed: choice?.remove ?? [] };
  return preferredAlgorithms(trusted, change) ?? choice;
}

/** As in OpenSSH: `+name` adds to the defaults, `-name` removes, a plain name replaces them. */
function choiceOf(names: readonly string[] = []): Choice {
  const plain = names.filter((name) => !/^[+-]/.test(name));
  if (plain.length > 0) return plain;
  const starting = (sign: string): string[] =>
    names.filter((name) => name.startsWith(sign)).map((name) => name.slice(1));
  const [append, remove] = [starting('+'), starting('-')];
  return append.length + remove.length === 0 ? undefined : { append, prepend: [], remove };
}

/** What a `known_hosts` file says about one host. */
interface KnownHost {
  readonly trusted: readonly HostKeyPin[];
  /** Keys marked `@revoked`: never trusted, whatever else says so. */
  readonly revoked: readonly HostKeyPin[];
  /** Its key is certified by an authority (`@cert-authority`), which the SSH library does not support. */
  readonly byCertificate: boolean;
}

/** Reads the lines of a `known_hosts` file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that are about an address. */
export function knownHost(text: string, address: setting.Address): KnownHost {
  const trusted: HostKeyPin[] = [];
  const revoked: HostKeyPin[] = [];
  let byCertificate = false;
  for (const line of text.split(/\r?\n/)) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [hosts = '', ...key] = words;
    if (hosts === '' || hosts.startsWith('#') || !isMeant(hosts, address)) continue;
    const pin = readPin(key.join(' '));
    if (pin === undefined) continue;
    if (marker === '@revoked') revoked.push(pin);
    else if (marker === '@cert-authority') byCertificate = true;
    else if (marker === undefined) trusted.push(pin);
  }
  return { trusted, revoked, byCertificate };
}

function isMeant(hosts: string, { host, port }: setting.Address): boolean {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  if (hosts.startsWith('|1|')) return isHashOf(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const matches = (pattern: string): boolean => globbed(pattern).test(name);
  const denied = patterns.some((one) => one.startsWith('!') && matches(one.slice(1)));
  return !denied && patterns.some((one) => !one.startsWith('!') && matches(one));
}

/** `|1|salt|hash`: ssh-keygen -H hides the names. */
function isHashOf(hosts: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hosts.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function globbed(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
