import { LRUCache } from 'lru-cache';
import {
  DisableError,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type Step,
  type StepDetail,
  StepFailure,
  SuspendError,
  TemporaryError,
} from 'waybill/adapter';
import { SignInGuard, UnderWay } from 'waybill/peer/basics';
import { fileType } from 'waybill/peer/folder';
import { connectSsh } from '../connect.ts';
import { toldStep, trySignIn } from '../ssh-test.ts';
import { type Become, Becoming } from './become.ts';
import { answersFor, type PromptAnswer, passwordOf } from './dialogue.ts';
import { ExecPool } from './exec-pool.ts';
import { ExecSession, LostWhileBeginning } from './exec-session.ts';
import { type ExecValues, execFaults, execSettings } from './exec-settings.ts';
import { notBecome } from './not-become.ts';
import { without } from './output.ts';
import { type Ended, type Order, runCommand } from './running-command.ts';
import { shellWord } from './shell-word.ts';

const AGAIN = ['retry', 'suspend'];

export default outbound({
  type: 'ssh-exec-out',
  title: 'Commands on a server, by SSH',
  summary:
    'Runs a command on an SSH server for each message, with its values as arguments and its body as input, and returns what the command wrote.',
  settings: execSettings,
  replies: {
    0: 'complete',
    MORE: ['complete', 'warn'],
    // of sysexits.h: a service or the system cannot now, try again later
    69: AGAIN,
    71: AGAIN,
    74: AGAIN,
    75: AGAIN,
    // every message would be refused: not executable, not found
    126: 'stop',
    127: 'stop',
    ASKED: 'suspend',
    other: 'suspend',
  },
  check: (settings) => Promise.resolve(execFaults(settings)),
  async open(lent) {
    for (const { path, what, remedy } of execFaults(lent.settings)) {
      throw new DisableError(`${path.join('.')} ${what}. ${remedy}`);
    }
    const pool = new ExecPool(lent);
    try {
      await pool.open();
    } catch (error) {
      await pool.close();
      throw error;
    }
    return new ExecSender(lent, pool);
  },
  test: tryExec,
});

/** Messages whose command may have run: no more are remembered than this. */
const MOST = 10_000;

const DOUBTS = new WeakMap<object, LRUCache<number, true>>();

/** After a lost connection the adapter is opened again with the same settings, and must still know them. */
function doubtsOf(settings: object): LRUCache<number, true> {
  const doubts = DOUBTS.get(settings) ?? new LRUCache<number, true>({ max: MOST });
  DOUBTS.set(settings, doubts);
  return doubts;
}

type ExecLent = Pick<Lent<typeof execSettings>, 'settings' | 'credential'>;

/** Runs the command of each message on a connection of the pool. */
class ExecSender implements OpenOutbound {
  readonly #lent: ExecLent;
  readonly #pool: ExecPool;
  readonly #sending = new UnderWay();
  readonly #guard = new SignInGuard();
  /** Messages whose command began, and whose end did not arrive. */
  readonly #doubts: LRUCache<number, true>;

  constructor(lent: ExecLent, pool: ExecPool) {
    this.#lent = lent;
    this.#pool = pool;
    this.#doubts = doubtsOf(lent.settings);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return await this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#pool.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    this.#refuseDoubtful(message);
    const { settings } = this.#lent;
    const line = await commandLine(settings, message);
    const answers = await answersFor(settings.expect, message, this.#lent);
    const other = await this.#other();
    const secrets = [
      ...answers.filter(({ isSecret }) => isSecret).map(({ text }) => text),
      ...(other?.password === undefined ? [] : [other.password]),
    ];
    return await this.#pool.use(signal, async (session) => {
      const order: Omit<Order, 'onBegun'> = {
        ...this.#asOther(session, other, line, answers),
        stdin: settings.stdin === 'body' ? message.body : undefined,
        pty: settings.pty,
        timeout: settings.timeout,
        limit: settings.outputLimit,
        doubt: (may) =>
          may ? this.#doubts.set(message.id, true) : this.#doubts.delete(message.id),
      };
      const ended = await this.#run(session, order, signal);
      return this.#judged(session.place, message, ended, secrets);
    });
  }

  #asOther(
    session: ExecSession,
    other: Become | undefined,
    line: string,
    answers: readonly PromptAnswer[],
  ): Pick<Order, 'line' | 'talk' | 'endThere'> {
    if (other === undefined) return { line, talk: { becoming: undefined, answers } };
    const becoming = new Becoming(other);
    return {
      line: becoming.line(line),
      talk: { becoming, answers },
      endThere: (pid) => endAs(session, new Becoming(other), pid),
    };
  }

  async #other(): Promise<Become | undefined> {
    const { become } = this.#lent.settings;
    if (become === undefined) return undefined;
    const { by, user, credential } = become;
    if (credential === undefined) return { by, user, password: undefined };
    const password = passwordOf(await this.#lent.credential(credential), credential);
    return { by, user, password };
  }

  /** A wrong password of the other user is given once, however many messages wait. */
  async #run(
    session: ExecSession,
    order: Omit<Order, 'onBegun'>,
    signal: AbortSignal,
  ): Promise<Ended> {
    if (order.talk.becoming === undefined) return await heard(session, order, signal);
    const { promise, resolve, reject } = Promise.withResolvers<{
      readonly running: Promise<Ended>;
    }>();
    const ending = await this.#guard.run(async () => {
      const running = heard(session, { ...order, onBegun: () => resolve({ running }) }, signal);
      running.then((ended) => {
        if (ended.begun) return resolve({ running });
        order.doubt?.(false);
        return reject(this.#notBegun(session.place, ended));
      }, reject);
      return await promise;
    });
    return await ending.running;
  }

  #notBegun(place: string, { how, errors }: Ended): Error {
    if (how === 'gone') {
      return new TemporaryError(
        `The connection to ${place} was lost before the command began. It is tried again.`,
      );
    }
    const words = errors === '' ? {} : { detail: errors };
    const { cause, remedy } = notBecome(becomeOf(this.#lent.settings), errors);
    return new DisableError(`On ${place} ${cause}. ${remedy}.`, words);
  }

  /** An earlier try may have run, wholly or in part. */
  #refuseDoubtful({ id, possibleDuplicate }: Message): void {
    if (this.#lent.settings.uncertain === 'retry') return;
    if (possibleDuplicate !== true && !this.#doubts.has(id)) return;
    this.#doubts.delete(id);
    throw new SuspendError(
      'The command may have run for this message before, wholly or in part, and how it ended is not known. Look at the server, then resend or discard the message.',
    );
  }

  #judged(place: string, message: Message, ended: Ended, secrets: readonly string[]): Reply {
    const errors = without(secrets, Buffer.from(ended.errors)).toString();
    if (ended.how === 'gone' || ended.how === 'late') {
      throw this.#uncertain(place, message, ended, errors);
    }
    this.#doubts.delete(message.id);
    const body = without(secrets, ended.output);
    return {
      body,
      type: this.#lent.settings.outputType ?? fileType(body.subarray(0, 2_048), ''),
      ...verdict(ended, errors),
    };
  }

  #uncertain(place: string, { id }: Message, ended: Ended, errors: string): Error {
    const { uncertain, timeout } = this.#lent.settings;
    const what =
      ended.how === 'gone'
        ? `The connection to ${place} was lost while the command ran, and how it ended is not known`
        : `The command on ${place} did not end within ${timeout / 1_000} s and ${ended.left === undefined && (ended.code ?? ended.signal) !== undefined ? 'was ended there' : 'may still run: the server did not say that it ended'}`;
    const detail = errors === '' ? {} : { detail: errors };
    if (uncertain === 'retry') return new TemporaryError(`${what}. It is run again.`, detail);
    this.#doubts.delete(id);
    return new SuspendError(
      `${what}. Look at the server, then resend or discard the message.`,
      detail,
    );
  }
}

async function heard(session: ExecSession, order: Order, signal: AbortSignal): Promise<Ended> {
  try {
    return await runCommand(session, order, signal);
  } catch (error) {
    if (!(error instanceof LostWhileBeginning)) throw error;
    return GONE;
  }
}

const GONE: Ended = {
  how: 'gone',
  code: undefined,
  signal: undefined,
  output: Buffer.alloc(0),
  cut: false,
  errors: '',
  begun: true,
  left: undefined,
};

/** The code of a reply, and its words. */
function verdict(ended: Ended, errors: string): Pick<Reply, 'code' | 'text'> {
  const say = (code: string, what: string): Pick<Reply, 'code' | 'text'> => ({
    code,
    text: [what, errors].filter(Boolean).join('\n'),
  });
  if (ended.how === 'answer')
    return say('ASKED', 'it asked again, so an answer was refused; it was ended');
  if (ended.signal !== undefined) return say(ended.signal, `ended by ${ended.signal}`);
  const code = String(ended.code ?? 0);
  if (code === '0' && ended.cut)
    return say('MORE', 'exit code 0; the output is longer than outputLimit');
  return say(
    code,
    `exit code ${code}${ended.cut ? '; the output is longer than outputLimit' : ''}`,
  );
}

/** Ends a command that runs as another user, with everything it started. */
async function endAs(session: ExecSession, becoming: Becoming, pid: number): Promise<void> {
  const group = `g=$(ps -o pgid= -p ${pid} | tr -d ' '); [ -n "$g" ] || exit 0`;
  await runCommand(
    session,
    {
      line: becoming.line(`${group}; kill -s TERM -- "-$g"; sleep 1; kill -s KILL -- "-$g"; true`),
      talk: { becoming, answers: [] },
      stdin: undefined,
      pty: false,
      timeout: 5_000,
      limit: 0,
    },
    new AbortController().signal,
  );
}

type TestLent = Pick<Lent<typeof execSettings>, 'settings' | 'credential' | 'signal'>;

/** How long a command of a test may take. */
const WITHIN = 10_000;

/** Signs in, then checks that the shell, the other user, the folder and the program exist. Does not run the command of a message. */
async function tryExec(lent: TestLent, step: Step): Promise<void> {
  const { settings } = lent;
  const told = toldStep(step);
  let opened: ExecSession | undefined;
  try {
    const session = await trySignIn(lent, step, {
      settings,
      open: async (stages) =>
        (opened = new ExecSession(await connectSsh(lent, lent.signal, stages))),
      methods: ({ facts }) => facts,
    });
    const run = (line: string): Promise<Ended> => runTrial(lent, session, line);
    await told('shell', (detail) => tryShell(session, detail));
    const { become, folder } = settings;
    if (become !== undefined) await told('other user', (detail) => tryBecoming(lent, run, detail));
    if (folder !== undefined)
      await told('folder', (detail) => tryFolder(folder.source, run, detail));
    await told('program', (detail) => tryProgram(settings, run, detail));
  } finally {
    await opened?.close();
  }
}

/** Commands that ask for a password. */
const ASKS = /(?:^|\/)(?:su|sudo)$/;

type Run = (line: string) => Promise<Ended>;

async function runTrial(lent: TestLent, session: ExecSession, line: string): Promise<Ended> {
  const { become, pty } = lent.settings;
  const password =
    become?.credential === undefined
      ? undefined
      : passwordOf(await lent.credential(become.credential), become.credential);
  const becoming = become === undefined ? undefined : new Becoming({ ...become, password });
  return await runCommand(
    session,
    {
      line: becoming?.line(line) ?? line,
      talk: { becoming, answers: [] },
      stdin: undefined,
      pty,
      timeout: WITHIN,
      limit: 1_000,
    },
    lent.signal,
  );
}

async function tryShell(session: ExecSession, detail: StepDetail): Promise<void> {
  const plain = await runCommand(
    session,
    {
      line: 'echo "$0"',
      talk: { becoming: undefined, answers: [] },
      stdin: undefined,
      pty: false,
      timeout: WITHIN,
      limit: 1_000,
    },
    new AbortController().signal,
  );
  const shell = shown(plain.output);
  if (plain.code === 0 && shell !== '' && shell !== '$0') return detail(shell);
  throw new StepFailure(
    'the account has no POSIX shell: a simple command gave nothing',
    'Have it a shell such as /bin/sh; look whether it may run commands at all (ForceCommand, a restricted shell)',
  );
}

async function tryBecoming({ settings }: TestLent, run: Run, detail: StepDetail): Promise<void> {
  const { begun, output, errors } = await run('id -un');
  if (begun) return detail(shown(output));
  const { cause, remedy } = notBecome(becomeOf(settings), errors);
  throw new StepFailure(cause, remedy);
}

type Settings = ExecLent['settings'];

function becomeOf({ become }: Settings): Parameters<typeof notBecome>[0] {
  const { by, user, credential } = become ?? { by: 'sudo', user: 'root', credential: undefined };
  return { by, user, hasPassword: credential !== undefined };
}

async function tryFolder(source: string, run: Run, detail: StepDetail): Promise<void> {
  if (source.includes('{')) return detail('it comes from each message', 'untried');
  const { code } = await run(inFolder(source));
  if (code === 0) return detail(source);
  throw new StepFailure(
    `the folder ${source} is missing, or we may not work there`,
    'Correct folder, or have it made for this user',
  );
}

async function tryProgram(
  { command, expect }: Settings,
  run: Run,
  detail: StepDetail,
): Promise<void> {
  const [, name] = /^\s*([\w./+-]+)/.exec(command) ?? [];
  if (name === undefined) return detail('it begins with more than a name', 'untried');
  const { code, output } = await run(`command -v ${shellWord(name)}`);
  if (code === 0 && ASKS.test(name) && expect.length === 0) {
    return detail(
      `${shown(output)} asks for a password that nobody gives here: say as whom under become instead`,
      'untried',
    );
  }
  if (code === 0) return detail(shown(output));
  throw new StepFailure(
    `there is no program ${name} for this user`,
    'Correct command, with its whole path: what PATH is without a sign-in at a terminal is often less',
  );
}

const shown = (output: Buffer): string =>
  output
    .toString()
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 200);

/** The longest argument of Linux, which the whole line is for the shell of the user. */
const LONGEST = 128 * 1024 - 1;

/**
 * The shell ends after its command: the server passes signals on as long as the shell is there, and the command may
 * ignore the first.
 */
const OUTLIVES = 'trap : TERM';

/** The line that a shell of the server reads for a message. Throws RejectedError for a value that a line cannot contain. */
async function commandLine(settings: ExecValues, message: Message): Promise<string> {
  const { command, environment, folder } = settings;
  const words = await argumentsOf(settings, message);
  const variables: string[] = [];
  for (const { name, value } of environment) {
    variables.push(`${name}=${shellWord(checked(await value.render(message), name))}`);
  }
  const steps = [
    OUTLIVES,
    ...(folder === undefined ? [] : [inFolder(checked(await folder.render(message), 'folder'))]),
    ...(variables.length === 0 ? [] : [`export ${variables.join(' ')}`]),
    [command.trim(), ...words.map(shellWord)].join(' '),
  ];
  const line = steps.join('; ');
  if (Buffer.byteLength(line) > LONGEST) {
    throw new RejectedError(
      `The command with its arguments has ${Buffer.byteLength(line)} bytes, and a server takes ${LONGEST} at most. Give it the content by stdin.`,
    );
  }
  return line;
}

/** The shell's own code for something not found; its words say that it was the folder. */
const inFolder = (folder: string): string => `cd ${shellWord(rooted(folder))} || exit 127`;

/** `cd -` and `cd -L` are something else. */
const rooted = (folder: string): string => (folder.startsWith('-') ? `./${folder}` : folder);

async function argumentsOf(
  { command, arguments: templates }: ExecValues,
  message: Message,
): Promise<readonly string[]> {
  const words: string[] = [];
  const isSafe = /(?:^|\s)--(?:\s|$)/.test(command);
  for (const [index, template] of templates.entries()) {
    const word = checked(await template.render(message), `argument ${index + 1}`);
    if (
      word.startsWith('-') &&
      !isSafe &&
      !template.source.startsWith('-') &&
      !words.includes('--')
    ) {
      throw new RejectedError(
        `The value of argument ${index + 1} begins with a -, and the command would take it for an option. Correct the message, or write -- as an argument before it if the command knows that.`,
      );
    }
    words.push(word);
  }
  return words;
}

function checked(value: string, where: string): string {
  if (!value.includes('\0')) return value;
  throw new RejectedError(
    `The value of ${where} has a zero byte, which no command can be given. Correct the message, or change the expression.`,
  );
}
