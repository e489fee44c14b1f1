import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import SftpClient from 'ssh2-sftp-client';
import { expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { descendants, signal } from '../../../sandbox/daemon.ts';
import type { Body } from '../../../src/adapter/index.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { openResources } from '../../support/nothing-open.ts';
import { lend, messageOf, openInbound, openOutbound } from '../../support/open-adapter.ts';
import { remoteFolder, signalConnections } from '../../support/remote-folder.ts';
import { connectTo, describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

const PATIENCE = { timeout: 10_000, interval: 10 };

/** Resolves once that many milliseconds have passed: a silence has no other sign. */
async function passed(time: number): Promise<void> {
  const begin = performance.now();
  await vi.waitUntil(() => performance.now() - begin > time, {
    timeout: time + 20_000,
    interval: 10,
  });
}

/** Milliseconds that one of eight takes at least: what else the machine does is no part of it. */
async function fastest(send: (n: number) => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 8; n++) {
    const begin = performance.now();
    await send(n);
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}

describeWithSshd('a server or network that falls silent', (server) => {
  test('a frozen server costs the time-out, not for ever, and leaves nothing behind', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name, name: '{id}', timeout: '1s' };
    const resources = openResources();
    const sender = await openOutbound(sftpOut, settings, options);
    await signalConnections(server().pid, 'SIGSTOP');
    const begin = performance.now();
    await expect(sender.send(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/did not answer for 1 s/),
    });
    expect(performance.now() - begin).toBeLessThan(5_000);
    // The same adapter works again: it connects anew.
    await sender.send(Buffer.from('x'), { id: 18 });
    await sender.close();
    await signalConnections(server().pid, 'SIGCONT');
    await resources.expectNothingNew();
  });

  test('a slow network that goes on is no silence', async () => {
    await using folder = await remoteFolder(server().home);
    const session = await connectTo(server(), { settings: { timeout: '2s' } });
    for (let pauses = 0; pauses < 5; pauses++) {
      await signalConnections(server().pid, 'SIGSTOP');
      const goesOn = passed(450).then(() => signalConnections(server().pid, 'SIGCONT'));
      await Promise.all([
        session.request((sftp, done) => sftp.mkdir(`${folder.name}/${pauses}`, done)),
        goesOn,
      ]);
    }
    expect(session.isAlive).toBe(true);
    await session.close();
  });

  test('a half-open connection is found by keep-alive while nothing is to do', async () => {
    await using proxy = await cuttingProxy(server().port);
    const { given, options } = sftpTo(server());
    await using sender = await openOutbound(
      sftpOut,
      { ...given, connect: `127.0.0.1:${proxy.port}`, folder: '', name: 'x', keepAlive: '50ms' },
      options,
    );
    proxy.freeze();
    await vi.waitFor(
      () => expect(sender.states.at(-1)).toMatchObject({ state: 'disconnected' }),
      PATIENCE,
    );
  });

  test('an idle connection is closed after its time and opened when it is needed', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    await using sender = await openOutbound(
      sftpOut,
      { ...given, folder: folder.name, name: '{id}', idle: '50ms' },
      options,
    );
    await vi.waitFor(
      () => expect(sender.states.at(-1)).toMatchObject({ state: 'waiting' }),
      PATIENCE,
    );
    await sender.send(Buffer.from('x'), { id: 17 });
    expect(await folder.names()).toEqual(['17']);
    expect(sender.states.map(({ state }) => state).slice(0, 3)).toEqual([
      'connected',
      'waiting',
      'connected',
    ]);
  });

  test('every request ends when the server dies under several of them', async () => {
    const session = await connectTo(server());
    await signalConnections(server().pid, 'SIGSTOP');
    const requests = Promise.allSettled(
      Array.from({ length: 5 }, () =>
        session.request<unknown>((sftp, done) => sftp.readdir('/usr/share/doc', done)),
      ),
    );
    await signalConnections(server().pid, 'SIGKILL');
    const ends = await requests;
    const codes = ends.flatMap((end) =>
      end.status === 'rejected' ? [(end.reason as { code: string }).code] : [],
    );
    expect(new Set(codes)).toEqual(new Set(['ADAPTER_NOT_CONNECTED']));
    await expect(
      session.request<string>((sftp, done) => sftp.realpath('.', done)),
    ).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  });

  test('a killed server mid-file leaves no file of its name, and the next try sends it', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    await using sender = await openOutbound(
      sftpOut,
      { ...given, folder: folder.name, name: '{id}.bin' },
      options,
    );
    const chunks = new PassThrough();
    const body: Body = { ...inlineBody(Buffer.alloc(0)), inline: undefined, stream: () => chunks };
    const sending = sender.send(body, { id: 17 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    chunks.write('first half');
    const part = join(folder.path, '.17.bin.17.part');
    await vi.waitFor(async () => expect((await stat(part)).size).toBeGreaterThan(0), PATIENCE);
    await signalConnections(server().pid, 'SIGKILL');
    chunks.end('second half');
    expect(await sending).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
    expect(await folder.names()).toEqual(['.17.bin.17.part']);
    await sender.send(Buffer.from('whole'), { id: 17 });
    expect(await folder.names()).toEqual(['17.bin']);
    expect((await folder.read('17.bin')).toString()).toBe('whole');
  });

  test('what a frozen server does of an earlier try once it goes on is nothing to the next', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name, name: '{id}.bin', timeout: '1s' };
    const sender = await sftpOut.open(lend(sftpOut.settings, settings, options).lent);
    const { signal: never } = new AbortController();
    const halves = [Buffer.alloc(400_000, 'a'), Buffer.alloc(400_000, 'b')] as const;
    const opened = Promise.withResolvers<void>();
    const wait = Promise.withResolvers<void>();
    const body: Body = {
      ...inlineBody(Buffer.alloc(0)),
      inline: undefined,
      size: 800_000,
      async *stream() {
        yield halves[0];
        opened.resolve();
        await wait.promise;
        yield halves[1];
      },
    };
    const message = messageOf(body, { id: 17 });
    // the one that works on the files, as if its disk stood still
    const frozen = (await descendants(server().pid)).slice(-1);
    for (const pid of frozen) signal(pid, 'SIGSTOP');
    await expect(sender.send(message, never)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
    });
    const next = sender.send(message, never);
    await opened.promise;
    await passed(200);
    for (const pid of frozen) signal(pid, 'SIGCONT');
    await passed(200);
    expect(await folder.names()).not.toContain('17.bin');
    wait.resolve();
    await next;
    expect(Buffer.concat(halves).equals(await folder.read('17.bin'))).toBe(true);
    expect(await folder.names()).toEqual(['17.bin']);
    await sender.close();
  });

  test('an engine that takes its time over a file is no silence of the server', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('large.bin', Buffer.alloc(20_000_000, 'x'));
    const { given, options } = sftpTo(server());
    const settings = { folder: folder.name, every: '10ms', stable: '0s', timeout: '1s' };
    const taken = Promise.withResolvers<number>();
    const service = await sftpIn.open({
      ...lend(sftpIn.settings, { ...given, ...settings }, options).lent,
      async deliver({ body }) {
        let size = 0;
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          if (size === 0) await passed(1_500);
          size += chunk.byteLength;
        }
        taken.resolve(size);
        return { messageId: 1, sessionId: 1, status: 'stored' };
      },
      lost: taken.reject,
      memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
    });
    expect(await taken.promise).toBe(20_000_000);
    await service.close();
    expect(await folder.names()).toEqual([]);
  });

  test('without Nagle small files take a fraction of the time the bare library needs', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    await using sender = await openOutbound(
      sftpOut,
      { ...given, folder: folder.name, name: '{id}' },
      options,
    );
    const { port, user: username, password } = server();
    const bare = new SftpClient('bare', { error() {}, end() {}, close() {} });
    await bare.connect({ host: '127.0.0.1', port, username, password });
    const ours = await fastest((id) => sender.send(Buffer.from('x'), { id }));
    const theirs = await fastest((n) => bare.put(Buffer.from('x'), `${folder.name}/bare-${n}`));
    await bare.end();
    expect(theirs / ours).toBeGreaterThan(3);
  });

  test('a server that is away and comes back is found again', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    await using service = await openInbound(
      sftpIn,
      { ...given, folder: folder.name, every: '10ms', stable: '0s' },
      options,
    );
    signal(server().pid, 'SIGCONT');
    await server().stop();
    await vi.waitFor(() => expect(service.lost.length).toBeGreaterThan(0), PATIENCE);
    expect(service.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
    await server().start();
  });
});
