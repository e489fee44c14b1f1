import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import library, { type ChannelEnds } from 'ssh2/lib/protocol/SFTP.js';
import { DisableError, timerTime } from 'waybill/adapter';
import { shellWord } from '../exec/shell-word.ts';
import type { SudoSettings } from './sftp-settings.ts';

export interface BySudo {
  readonly sudo: SudoSettings;
  /** What sudo gets if it asks; undefined if sudoers must let the account do without a password. */
  readonly password: string | undefined;
  /** `host:port`, for people. */
  readonly place: string;
  /** Who signs in. */
  readonly account: string;
  /** Milliseconds in which sudo must ask for the password. */
  readonly patience: number;
}

/** More than sudo, a shell or their start files write before they fail. */
const MOST = 4_096;

/**
 * Starts SFTP by sudo on a connection that is signed in. Throws a DisableError that names what sudo or the account's shell
 * refused: trying again helps nobody, and accounts are locked for wrong passwords.
 */
export async function sftpBySudo(client: Client, by: BySudo): Promise<SFTPWrapper> {
  const prompt = `${randomBytes(12).toString('hex')} password: `;
  const { channel, said, wrong } = await executed(client, by, prompt);
  const fail = (problem: Parameters<typeof notStarted>[1]): DisableError => {
    channel.close();
    const { cause, remedy } = notStarted(by, problem);
    return new DisableError(`${by.place} does not start SFTP by sudo: ${cause}. ${remedy}.`);
  };
  if (by.password !== undefined) {
    const asked = await Promise.race([wrong.asked, late(by.patience)]);
    if (asked === 'late') throw fail({ kind: 'not asked' });
    if (asked === 'ended') throw fail({ kind: 'said', text: said.text() });
    channel.write(`${by.password}\n`);
  }
  // all that the server had to say may have come with its consent
  if (wrong.hasEnded()) throw fail({ kind: 'said', text: said.text() });
  const sftp = takenOver(client, channel);
  const how = await Promise.race([started(sftp), wrong.askedAgain]);
  if (how === 'ready') return sftp;
  if (how === 'again') throw fail({ kind: 'wrong password' });
  throw fail(how === 'noise' ? { kind: 'noise' } : { kind: 'said', text: said.text() });
}

/** The same language whatever the server's is, so that refusals can be told apart; `-k` asks even if sudo was asked lately. */
function lineOf({ sudo, password }: BySudo, prompt: string): string {
  const asking = password === undefined ? '-n' : `-k -S -p ${shellWord(prompt)}`;
  return `env LC_ALL=C sudo ${asking} -u ${shellWord(sudo.user)} -- ${sudo.command}`;
}

interface Executed {
  readonly channel: ClientChannel;
  readonly said: Said;
  readonly wrong: Watched;
}

function executed(client: Client, by: BySudo, prompt: string): Promise<Executed> {
  const { place, account } = by;
  return new Promise((resolve, reject) => {
    client.exec(lineOf(by, prompt), (error, channel) => {
      if (error === undefined) {
        // at once: what follows in the same packets of the network is told before anybody goes on who awaits this
        const said = heardOn(channel);
        resolve({ channel, said, wrong: watched(channel, said, prompt) });
      } else
        reject(
          new DisableError(
            `${place} runs no commands for ${account}, so sudo cannot be started. Ask its owner to allow it (no ForceCommand, no restrict in the authorized keys), or leave out sudo.`,
          ),
        );
    });
  });
}

interface Said {
  /** Everything that was written besides SFTP. */
  text(): string;
  /** Calls back with each piece more. */
  onMore(then: () => void): void;
}

/** Goes on reading for as long as the channel lives: a server whose errors nobody reads would stop. */
function heardOn(channel: ClientChannel): Said {
  let text = '';
  const listeners: (() => void)[] = [];
  const hear = (bytes: Buffer): void => {
    if (text.length < MOST) text += bytes.toString();
    for (const then of listeners) then();
  };
  channel.stderr.on('data', hear);
  channel.on('data', hear);
  return { text: () => text, onMore: (then) => void listeners.push(then) };
}

interface Watched {
  /** When sudo asks for the password. */
  readonly asked: Promise<'asked' | 'ended'>;
  readonly askedAgain: Promise<'again'>;
  hasEnded(): boolean;
}

function watched(channel: ClientChannel, said: Said, prompt: string): Watched {
  let ended = false;
  const first = Promise.withResolvers<'asked' | 'ended'>();
  const second = Promise.withResolvers<'again'>();
  said.onMore(() => {
    const times = said.text().split(prompt).length - 1;
    if (times > 0) first.resolve('asked');
    if (times > 1) second.resolve('again');
  });
  channel.once('close', () => {
    ended = true;
    first.resolve('ended');
  });
  return { asked: first.promise, askedAgain: second.promise, hasEnded: () => ended };
}

const late = (time: number): Promise<'late'> =>
  new Promise((resolve) => setTimeout(resolve, timerTime(time), 'late' as const).unref());

/** What the library keeps of its connection and channels. */
interface Internals {
  readonly _chanMgr: { update(id: number, channel: SFTPWrapper): void };
}

/**
 * Lets SFTP take the place of a command on its channel. The library starts SFTP by the server's subsystem alone, and has no
 * other way to say it; what is used of its own parts is all here.
 */
function takenOver(client: Client, channel: ClientChannel): SFTPWrapper {
  const ends = channel as unknown as ChannelEnds & { readonly incoming: { readonly id: number } };
  const sftp = new library.SFTP(client, ends);
  sftp.stderr = channel.stderr;
  const { _chanMgr: channels } = client as unknown as Internals;
  channels.update(ends.incoming.id, sftp);
  // oxlint-disable-next-line no-underscore-dangle -- the library's own name
  sftp._init();
  return sftp;
}

/** How it begins: `noise` if something other than SFTP answers. */
function started(sftp: SFTPWrapper): Promise<'ready' | 'ended' | 'noise'> {
  return new Promise((resolve) => {
    sftp.once('ready', () => resolve('ready'));
    sftp.once('error', () => resolve('noise'));
    // its last words have come by then
    sftp.once('close', () => resolve('ended'));
  });
}

/** What was seen instead of SFTP. */
type Problem =
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'noise' | 'not asked' | 'wrong password' };

interface NotStarted {
  readonly cause: string;
  readonly remedy: string;
}

/** Why sudo did not start the SFTP server, and the remedy, without a full stop. */
function notStarted(by: BySudo, problem: Problem): NotStarted {
  const { sudo, account } = by;
  if (problem.kind === 'said') return refused(by, problem.text);
  if (problem.kind === 'noise') {
    return {
      cause: `something else than an SFTP server answers`,
      remedy: `Have the start files of the shell of ${account} (.bashrc, .cshrc) write nothing where there is no terminal; a server that allows SFTP alone (ForceCommand internal-sftp) cannot start it by sudo; sudo.command must be an SFTP server`,
    };
  }
  if (problem.kind === 'not asked') {
    return {
      cause: 'sudo asks for no password',
      remedy: `Leave out sudo.credential if sudoers lets ${account} do it without one (NOPASSWD)`,
    };
  }
  return {
    cause: 'sudo refuses the password of sudo.credential',
    remedy: `It must be that of ${account}, who signs in, not that of ${sudo.user}`,
  };
}

const WORDS: readonly (readonly [RegExp, (by: BySudo) => NotStarted])[] = [
  [
    /must have a tty/i,
    ({ account }) => ({
      cause: 'sudo wants a terminal (requiretty), which SFTP cannot have',
      remedy: `Have sudoers say: Defaults:${account} !requiretty`,
    }),
  ],
  [
    /a password is required/i,
    (by) => ({
      cause: 'sudo asks for a password, or does not allow the command',
      remedy: `Have sudoers say: ${rule(by)} (sudo -l, as ${by.account}, shows what it allows); or set sudo.credential to a credential of kind basic with the password of ${by.account}`,
    }),
  ],
  [
    /not allowed to execute|may not run sudo|not in the sudoers/i,
    (by) => ({
      cause: `sudo does not allow ${by.account} to run the command as ${by.sudo.user}`,
      remedy: `Have sudoers say: ${rule(by)}`,
    }),
  ],
  [
    /allows sftp connections only/i,
    ({ account }) => ({
      cause: `the server lets ${account} use SFTP alone, and runs no commands`,
      remedy:
        'Ask its owner to allow commands (no ForceCommand internal-sftp, no such command in the authorized keys), or leave out sudo',
    }),
  ],
  [
    /unknown user/i,
    ({ sudo }) => ({
      cause: `the server has no user ${sudo.user}`,
      remedy: 'Correct sudo.user',
    }),
  ],
  [
    /env: .*sudo|\bsudo: (?:command )?not found/i,
    () => ({ cause: 'there is no sudo on the server', remedy: 'Have it installed there' }),
  ],
  [
    /command not found|no such file/i,
    ({ sudo }) => ({
      cause: `there is no ${sudo.command} on the server`,
      remedy:
        'Correct sudo.command: it is /usr/lib/openssh/sftp-server on Debian and Ubuntu, /usr/libexec/openssh/sftp-server on Red Hat, /usr/lib/ssh/sftp-server on SUSE',
    }),
  ],
];

function refused(by: BySudo, text: string): NotStarted {
  const known = WORDS.find(([pattern]) => pattern.test(text));
  if (known !== undefined) return known[1](by);
  const last = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return {
    cause: last === '' ? 'the command ended without a word' : last.slice(0, 300),
    remedy: `Try it by hand: ssh ${by.account}@… sudo -n -u ${by.sudo.user} ${by.sudo.command}`,
  };
}

const rule = ({ account, sudo, password }: BySudo): string =>
  `${account} ALL=(${sudo.user}) ${password === undefined ? 'NOPASSWD: ' : ''}${sudo.command}`;
