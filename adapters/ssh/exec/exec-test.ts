import { type Lent, type Step, type StepDetail, StepFailure } from 'waybill/adapter';
import { connectSsh } from '../connect.ts';
import { toldStep, trySignIn } from '../ssh-test.ts';
import { Becoming } from './become.ts';
import { inFolder } from './command-line.ts';
import { passwordOf } from './dialogue.ts';
import { ExecSession } from './exec-session.ts';
import type { execSettings } from './exec-settings.ts';
import { type Ended, runCommand } from './running-command.ts';
import { shellWord } from './shell-word.ts';

type TestLent = Pick<Lent<typeof execSettings>, 'settings' | 'credential' | 'signal'>;

/** How long a command of a test may take. */
const WITHIN = 10_000;

/** Signs in, then looks whether the shell, the other user, the folder and the program are there. Runs no message's command. */
export async function tryExec(lent: TestLent, step: Step): Promise<void> {
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
    await told('program', (detail) => tryProgram(settings.command, run, detail));
  } finally {
    await opened?.close();
  }
}

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
  const { become } = settings;
  const { begun, output, errors } = await run('id -un');
  if (begun) return detail(shown(output));
  throw new StepFailure(
    `${become?.by} does not let us become ${become?.user}: ${errors.split('\n').at(-1) ?? ''}`,
    'Check the password of the credential under become, and whether the account may (sudoers, the group of su)',
  );
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

async function tryProgram(command: string, run: Run, detail: StepDetail): Promise<void> {
  const [, name] = /^\s*([\w./+-]+)/.exec(command) ?? [];
  if (name === undefined) return detail('it begins with more than a name', 'untried');
  const { code, output } = await run(`command -v ${shellWord(name)}`);
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
