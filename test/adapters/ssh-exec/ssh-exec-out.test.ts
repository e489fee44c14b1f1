import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert, asyncProperty, pre, string } from 'fast-check';
import { expect, test, vi } from 'vitest';
import sshExecOut from '../../../adapters/ssh/exec/ssh-exec-out.ts';
import type { SshServer } from '../../../sandbox/ssh.ts';
import { examples } from '../../support/examples.ts';
import {
  type OpenedOutbound,
  openOutbound,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

const sh = promisify(execFile);
const BODY = Buffer.from('MSH|^~\\&|LAB\rPID|1\r');

const OTHER = { name: 'labor', password: 'geheim, sagt er' };
const SUDOERS = 'root ALL=(ALL:ALL) ALL\nhub ALL=(labor) ALL\nDefaults passwd_tries=3\n';

function open(server: SshServer, given: Record<string, unknown>): Promise<OpenedOutbound> {
  const { given: to, options } = reaching(server);
  return openOutbound(sshExecOut, { ...to, ...given }, options);
}

function reaching(server: SshServer) {
  const { given, options } = sftpTo(server);
  const { user, password } = server;
  return {
    given,
    options: {
      credentials: {
        ...options.credentials,
        account: { kind: 'basic', user, password },
        labor: { kind: 'basic', user: OTHER.name, password: OTHER.password },
        wrong: { kind: 'basic', user: 'x', password: 'not the password' },
      },
    },
  } as const;
}

/** Whether a process runs whose command line has this in it. */
async function runs(mark: string): Promise<boolean> {
  const { stdout } = await sh('ps', ['-eo', 'args']);
  return stdout.split('\n').some((line) => line.includes(mark));
}

describeWithSshd(
  'a command on a server',
  (server) => {
    test('gets its arguments as words, its input and its environment, and answers with its output', async () => {
      await mkdir(join(server().home, 'a folder'), { recursive: true });
      await using opened = await open(server(), {
        command: 'sh -c \'pwd; echo "$WHO"; printf "<%s>" "$@"; cat\' sh',
        arguments: ['{source}', '{field("PID-1")}', '', 'a b'],
        environment: ['WHO={target}'],
        folder: 'a folder',
      });
      const reply = await opened.send(BODY, { source: "x'y" });
      expect(reply).toMatchObject({ code: '0', text: 'exit code 0' });
      expect(reply?.body.toString()).toBe(
        `${server().home}/a folder\nunder-test\n<x'y><1><><a b>${BODY.toString()}`,
      );
    });

    test('never takes what a message says for a command', async () => {
      const canary = join(server().home, 'canary');
      await using opened = await open(server(), {
        command: 'printf -- "%s"',
        arguments: ['{type}'],
        stdin: 'none',
      });
      const nasty = [
        `$(touch ${canary})`,
        `\`touch ${canary}\``,
        `'; touch ${canary}; '`,
        `\\'; touch ${canary}; \\'`,
        `"; touch ${canary}; "`,
        `\n touch ${canary}\n`,
        `x' || touch ${canary} #`,
        `中\\'; touch ${canary} #`,
        `$HOME *  ~ {a,b} !! & | > ${canary}`,
        '\\',
        '-n',
        '\r\u001b[31m\u{1f600}',
      ];
      for (const type of nasty) {
        const reply = await opened.send(BODY, { type });
        expect(reply?.body.toString()).toBe(type);
      }
      await expect(readFile(canary)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('any text is one word', async () => {
      await using dash = await open(server(), {
        command: 'printf -- "%s|"',
        arguments: ['{type}', 'end'],
        stdin: 'none',
      });
      const word = string({ unit: 'binary', minLength: 0, maxLength: 40 });
      await assert(
        asyncProperty(word, async (text) => {
          pre(!text.includes('\0') && text.isWellFormed());
          const reply = await dash.send(BODY, { type: text });
          expect(reply?.body.toString()).toBe(`${text}|end|`);
        }),
        { numRuns: examples(60) },
      );
    });

    test('refuses a value that the command would take for an option, and a zero byte', async () => {
      await using opened = await open(server(), { command: 'ls', arguments: ['{type}'] });
      await expect(opened.send(BODY, { type: '-la' })).rejects.toMatchObject({
        code: 'ADAPTER_REJECTED',
        message: expect.stringContaining('begins with a -'),
      });
      await expect(opened.send(BODY, { type: 'a\0b' })).rejects.toMatchObject({
        code: 'ADAPTER_REJECTED',
      });
      await expect(opened.send(BODY, { type: 'x'.repeat(200_000) })).rejects.toMatchObject({
        code: 'ADAPTER_REJECTED',
        message: expect.stringContaining('stdin'),
      });
    });

    test('tells its exit code, its signal and the end of its errors', async () => {
      await using opened = await open(server(), {
        command:
          'exec sh -c \'echo out; seq 1 3000 >&2; echo "no room" >&2; [ "$1" = kill ] && kill -9 $$; exit "$1"\' sh',
        arguments: ['{type}'],
      });
      const refused = await opened.send(BODY, { type: '75' });
      expect(refused).toMatchObject({
        code: '75',
        text: expect.stringMatching(/^exit code 75\n\d+\n[^]*\nno room$/),
      });
      expect(refused?.text?.length).toBeLessThan(5_000);
      expect(refused?.body.toString()).toBe('out\n');
      expect(await opened.send(BODY, { type: 'kill' })).toMatchObject({ code: 'SIGKILL' });
      await using missing = await open(server(), { command: '/no/such/program' });
      expect(await missing.send(BODY)).toMatchObject({ code: '127' });
      await using nowhere = await open(server(), { command: 'true', folder: '/no/such/folder' });
      expect(await nowhere.send(BODY)).toMatchObject({
        code: '127',
        text: expect.stringContaining('/no/such/folder'),
      });
    });

    test('takes a body a thousand times larger, also one that it does not read, and keeps of its output what is allowed', async () => {
      await using opened = await open(server(), { command: 'md5sum' });
      const large = Buffer.alloc(30_000_000, 'HL7 ');
      const reply = await opened.send(streamedBody(large));
      expect(reply?.body.toString()).toContain('  -');
      await using unread = await open(server(), { command: 'true' });
      expect(await unread.send(streamedBody(large))).toMatchObject({ code: '0' });
      await using much = await open(server(), { command: 'cat', outputLimit: '1KB' });
      const cut = await much.send(streamedBody(large));
      expect(cut).toMatchObject({ code: 'MORE' });
      expect(cut?.body.byteLength).toBe(1_024);
    });

    test('does not wait for what a command leaves running', async () => {
      await using opened = await open(server(), { command: 'sh -c "sleep 20.017 & echo begun"' });
      const reply = await opened.send(BODY);
      expect(reply?.body.toString()).toBe('begun\n');
      await sh('pkill', ['-f', '^sleep 20.017']);
    });

    test('is ended on the server after its time, and kept for a person', async () => {
      await using opened = await open(server(), {
        command: 'sh -c "trap : TERM; echo working >&2; while :; do sleep 31.4; done"',
        timeout: '1s',
      });
      const error: unknown = await opened.send(BODY).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'ADAPTER_SUSPEND',
        message: expect.stringContaining('did not end within 1 s and was ended there'),
        detail: expect.stringMatching(/^working/),
      });
      await vi.waitFor(async () => expect(await runs('sleep 31.4')).toBe(false));
    });

    test('is ended on the server when the message is given up, and not run again unasked', async () => {
      const settings = { command: 'sleep', arguments: ['27.182'], stdin: 'none' };
      await using opened = await open(server(), settings);
      const giving = new AbortController();
      const sending = opened.send(BODY, {}, giving.signal);
      await vi.waitFor(async () => expect(await runs('sleep 27.182')).toBe(true));
      giving.abort(new Error('operation timed out'));
      await expect(sending).rejects.toThrow('operation timed out');
      await vi.waitFor(async () => expect(await runs('sleep 27.182')).toBe(false));
      await expect(opened.send(BODY)).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
        message: expect.stringContaining('may have run for this message before'),
      });
    });

    test.for([
      ['suspend', 'ADAPTER_SUSPEND'],
      ['retry', 'ADAPTER_TEMPORARY'],
    ] as const)(
      'whose connection breaks is not known to have run: %s',
      async ([uncertain, code]) => {
        const mark = join(server().home, `ran-${uncertain}`);
        const script = 'echo x >> "$1"; [ $(wc -l < "$1") -gt 1 ] || exec sleep 16.18';
        await writeFile(mark, '');
        await chmod(mark, 0o666);
        await using opened = await open(server(), {
          command: `sh -c '${script}' sh ${mark}`,
          stdin: 'none',
          uncertain,
        });
        const sending = opened.send(BODY).catch((thrown: unknown) => thrown);
        await vi.waitFor(async () => expect(await readFile(mark, 'utf8')).toBe('x\n'));
        await server().stop();
        expect(await sending).toMatchObject({
          code,
          message: expect.stringContaining('how it ended is not known'),
        });
        // a person who resends it has it run again, as has the policy of retries
        expect(await opened.send(BODY).catch((thrown: unknown) => thrown)).toMatchObject({
          code: 'ADAPTER_NOT_CONNECTED',
        });
        await server().start();
        expect(await opened.send(BODY)).toMatchObject({ code: '0' });
      },
    );

    test('that an engine may have run before it ended is kept for a person', async () => {
      await using opened = await open(server(), { command: 'true' });
      await expect(opened.send(BODY, { possibleDuplicate: true })).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
      });
      await using again = await open(server(), { command: 'true', uncertain: 'retry' });
      expect(await again.send(BODY, { possibleDuplicate: true })).toMatchObject({ code: '0' });
    });

    test('works again after the server was gone twice', async () => {
      await using opened = await open(server(), { command: 'echo', arguments: ['{id}'] });
      for (const id of [1, 2, 3]) {
        const reply = await vi.waitFor(() => opened.send(BODY, { id }), { timeout: 5_000 });
        expect(reply?.body.toString()).toBe(`${id}\n`);
        await server().stop();
        await expect(opened.send(BODY, { id: 10 + id })).rejects.toMatchObject({
          code: 'ADAPTER_NOT_CONNECTED',
        });
        await server().start();
      }
    });
  },
  { other: OTHER, sudoers: SUDOERS },
);

describeWithSshd(
  'questions of a command',
  (server) => {
    test('are answered by expressions and by credentials, each once, and no secret is seen', async () => {
      const script =
        'stty -echo 2>/dev/null; printf "Number? "; read n; printf "PIN: "; read p; echo "[$n] [$p]"';
      for (const pty of [false, true]) {
        await using opened = await open(server(), {
          command: `sh -c '${script}'`,
          stdin: 'none',
          pty,
          expect: [
            { prompt: 'Number\\? $', answer: '{type}' },
            { prompt: 'PIN: ?$', credential: 'labor' },
          ],
        });
        const reply = await opened.send(BODY, { type: '4711' });
        expect(reply).toMatchObject({ code: '0' });
        expect(reply?.body.toString()).toMatch(/\[4711\] \[\*\*\*\]/);
      }
    });

    test('that are asked again were refused: the command is ended', async () => {
      await using opened = await open(server(), {
        command: 'sh -c \'while :; do printf "PIN: "; read p; echo "wrong"; done\'',
        stdin: 'none',
        expect: [{ prompt: 'PIN: ?$', credential: 'labor' }],
      });
      expect(await opened.send(BODY)).toMatchObject({ code: 'ASKED' });
    });

    test('are never answered more than they ask', async () => {
      await using opened = await open(server(), {
        command: 'cat',
        stdin: 'none',
        expect: [{ prompt: 'x', answer: '{type}' }],
      });
      await expect(opened.send(BODY, { type: 'a\nrm -rf /' })).rejects.toMatchObject({
        code: 'ADAPTER_REJECTED',
      });
    });

    test.for([
      ['sudo', 'account', false],
      ['sudo', 'account', true],
      ['su', 'labor', false],
      ['su', 'labor', true],
    ] as const)('%s asks for the password of %s (terminal: %s)', async ([by, credential, pty]) => {
      await using opened = await open(server(), {
        command: 'sh -c \'id -un; printf "<%s>" "$1"; cat\' sh',
        arguments: ["it's {type}"],
        become: { by, user: OTHER.name, credential },
        stdin: pty ? 'none' : 'body',
        outputLimit: '10MB',
        pty,
        ...(pty && { command: 'sh -c \'id -un; printf "<%s>" "$1"\' sh' }),
      });
      const large = Buffer.alloc(pty ? 0 : 3_000_000, 'x');
      const reply = await opened.send(streamedBody(large), { type: '$(id)' });
      expect(reply).toMatchObject({ code: '0' });
      const text = reply?.body.toString().replaceAll('\r', '') ?? '';
      expect(text.slice(0, 30)).toBe(`labor\n<it's $(id)>${'x'.repeat(pty ? 0 : 12)}`);
      expect(text.length).toBe(18 + large.length);
    });

    test.for(['sudo', 'su'] as const)(
      '%s that refuses the password stops the operation, and it is given once',
      async (by) => {
        await using opened = await open(server(), {
          command: 'true',
          become: { by, user: OTHER.name, credential: 'wrong' },
        });
        const sent = await Promise.allSettled([1, 2, 3].map((id) => opened.send(BODY, { id })));
        for (const one of sent) {
          expect(one).toMatchObject({ reason: { code: 'ADAPTER_DISABLED' } });
        }
        const log = await readFile(join(server().folder, 'log'), 'utf8');
        expect(log).not.toContain('not the password');
        expect(JSON.stringify(opened.events)).not.toContain('not the password');
      },
    );

    test('ends what runs as another user', async () => {
      await using opened = await open(server(), {
        command: 'sleep 14.142',
        become: { by: 'sudo', user: OTHER.name, credential: 'account' },
        timeout: '1s',
      });
      await expect(opened.send(BODY)).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
        message: expect.stringContaining('was ended there'),
      });
      await vi.waitFor(async () => expect(await runs('sleep 14.142')).toBe(false));
    });
  },
  { other: OTHER, sudoers: SUDOERS },
);

describeWithSshd(
  'a trial of ssh-exec-out',
  (server) => {
    const steps = (given: Record<string, unknown>) => {
      const { given: to, options } = reaching(server());
      return testSteps(sshExecOut, { ...to, ...given }, options);
    };

    test('looks at shell, user, folder and program, and runs nothing', async () => {
      const mark = join(server().home, 'tried');
      const tried = await steps({
        command: `touch ${mark}`,
        folder: '/tmp',
        become: { user: OTHER.name, credential: 'account' },
      });
      expect(tried.map(({ name, result }) => [name, result])).toEqual(
        [
          'name',
          'TCP',
          'banner',
          'host key',
          'sign-in',
          'shell',
          'other user',
          'folder',
          'program',
        ].map((name) => [name, 'passed']),
      );
      expect(tried.find(({ name }) => name === 'other user')?.detail).toBe(OTHER.name);
      expect(tried.at(-1)?.detail).toMatch(/\/touch$/);
      await expect(readFile(mark)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('says that su in the command has nobody who gives it a password', async () => {
      expect((await steps({ command: 'su labor -c true' })).at(-1)).toMatchObject({
        name: 'program',
        result: 'skipped',
        detail: expect.stringContaining('under become'),
      });
    });

    test.for([
      [{ command: 'no-such-program' }, 'program', /no program no-such-program/],
      [{ command: 'true', folder: '/nowhere' }, 'folder', /\/nowhere is missing/],
      [
        { command: 'true', become: { user: 'labor', credential: 'wrong' } },
        'other user',
        /sudo does not let us become labor/,
      ],
      [
        { command: 'true', become: { by: 'su', user: 'labor', credential: 'wrong' } },
        'other user',
        /su does not let us become labor/,
      ],
      [
        { command: 'true', become: { by: 'su', user: 'labor' } },
        'other user',
        /su asks for a password, and become has no credential/,
      ],
      [{ command: 'true', credential: 'wrong' }, 'sign-in', /refused the sign-in of x/],
    ] as const)('names what is wrong: %o', async ([given, name, cause]) => {
      expect((await steps(given)).at(-1)).toMatchObject({
        name,
        result: 'failed',
        cause: expect.stringMatching(cause),
        remedy: expect.stringMatching(/.{10,}/),
      });
    });
  },
  { other: OTHER, sudoers: SUDOERS },
);
