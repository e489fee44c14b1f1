import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import websocketOut, {
  websocketOutFaults,
  websocketOutSettings,
} from '../../../adapters/websocket/websocket-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { openOutbound, readGiven, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { resettingPeer } from '../../support/resetting-peer.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { listening } from '../../support/tcp-server.ts';
import { noWebsockets, type WebsocketPeer, websocketPeer } from '../../support/websocket-peer.ts';

const JSON_TYPE = { type: 'application/json' };
let fresh = 0;
const credentials: Record<string, Credential> = {
  right: { kind: 'basic', user: 'hub', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
  token: {
    kind: 'oauth2',
    token: async (_, options) => {
      if (options?.fresh === true) fresh += 1;
      return options?.fresh === true ? 'fresh' : 'old';
    },
  },
  windows: { kind: 'ntlm', user: 'u', domain: 'D', password: 'p' },
};

const faults = (given: object) =>
  websocketOutFaults(readGiven(websocketOutSettings, { url: 'wss://h/', ...given })).map(
    ({ path }) => path[0],
  );

describe.skipIf(noWebsockets !== undefined)('websocket-out against websockets of Python', () => {
  let peer: WebsocketPeer;
  beforeAll(async () => {
    peer = await websocketPeer();
  });
  afterAll(() => peer[Symbol.asyncDispose]());
  const to = (path: string, port = peer.port) => ({ url: `ws://127.0.0.1:${port}${path}` });

  test('a refused password is told, sent once and never shown; a stale token is renewed', async () => {
    const before = (await peer.at('/refused')).opened;
    const opening = openOutbound(
      websocketOut,
      { ...to('/locked'), credential: 'wrong' },
      { credentials },
    );
    const error: unknown = await opening.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/refused the sign-in \(401\)\. Check credential/),
    });
    expect((error as Error).message).not.toContain('not the password');
    expect((await peer.at('/refused')).opened).toBe(before + 1);
    await using right = await openOutbound(
      websocketOut,
      { ...to('/locked'), credential: 'right' },
      { credentials },
    );
    expect(await right.send(Buffer.from('x'))).toBeUndefined();
    await using renewed = await openOutbound(
      websocketOut,
      { ...to('/token'), credential: 'token' },
      { credentials },
    );
    expect(await renewed.send(Buffer.from('x'))).toBeUndefined();
    expect(fresh).toBe(1);
    await expect(
      openOutbound(websocketOut, { ...to('/x'), credential: 'windows' }, { credentials }),
    ).rejects.toThrow('NTLM does not go with a WebSocket');
  });

  test('try names a refused sign-in and a wrong path; nothing is sent', async () => {
    const refused = await testSteps(
      websocketOut,
      { ...to('/locked/try'), credential: 'wrong', greeting: ['hello'] },
      { credentials },
    );
    expect(refused.at(-1)).toMatchObject({ name: 'WebSocket', result: 'failed' });
    expect(refused.at(-1)?.remedy).toContain('Check credential');
    const nothing = await testSteps(websocketOut, to('/nothing'));
    expect(nothing.at(-1)).toMatchObject({ cause: expect.stringContaining('nothing at this') });
    const fine = await testSteps(websocketOut, {
      ...to('/try'),
      subprotocols: ['results.v3', 'results.v1'],
      greeting: ['hello'],
    });
    expect(fine.at(-1)).toMatchObject({ result: 'passed', detail: 'opened, results.v1' });
    expect((await peer.at('/try')).received).toEqual([]);
  });

  test('text goes as text, anything else as binary, after the greeting; a pong proves it', async () => {
    await using opened = await openOutbound(websocketOut, {
      ...to('/frames'),
      greeting: ['bind 1'],
    });
    await opened.send(Buffer.from('{"ä":1}'), JSON_TYPE);
    await opened.send(Buffer.from([0x7b, 0xe4]), JSON_TYPE);
    await opened.send(Buffer.from('plain'), { type: 'application/octet-stream' });
    const { received } = await peer.at('/frames');
    expect(received.map(({ text, body }) => [text, body.toString('latin1')])).toEqual([
      [true, 'bind 1'],
      [true, Buffer.from('{"ä":1}').toString('latin1')],
      [false, '{\xe4'],
      [false, 'plain'],
    ]);
  });

  test('answers are matched by their ids, in any order, past news', async () => {
    await peer.set('/ids', { answer: 'reversed' });
    await using opened = await openOutbound(websocketOut, {
      ...to('/ids'),
      reply: 'matching',
      id: 'json("/id")',
      replyId: 'json("/ref")',
      code: '"status":\\s*"(\\w+)"',
    });
    const send = (id: string) =>
      opened.send(Buffer.from(JSON.stringify({ id })), { ...JSON_TYPE, id: Number(id) });
    const [one, two] = await Promise.all([send('1'), send('2')]);
    expect([one?.code, two?.code]).toEqual(['OK', 'OK']);
    expect(JSON.parse(Buffer.from(one?.body ?? []).toString())).toMatchObject({ ref: '1' });
    expect(JSON.parse(Buffer.from(two?.body ?? []).toString())).toMatchObject({ ref: '2' });
    expect(opened.events).toMatchObject([{ name: 'ignored' }]);
  });

  test('an HL7 answer is judged by MSA-1', async () => {
    await peer.set('/hl7', { answer: 'MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5\rMSA|AE|1|no bed\r' });
    await using opened = await openOutbound(websocketOut, { ...to('/hl7'), reply: 'next' });
    expect(await opened.send(Buffer.from('MSH|^~\\&|'))).toMatchObject({
      code: 'AE',
      text: expect.stringContaining('no bed'),
    });
  });

  test('a slow answer costs its time and the connection; the next message goes on a new one', async () => {
    await peer.set('/slow', { answer: 'late', hold: true });
    const given = { ...to('/slow'), reply: 'next', replyTimeout: '150ms' };
    await using opened = await openOutbound(websocketOut, given);
    await expect(opened.send(Buffer.from('1'))).rejects.toMatchObject({
      code: 'REPLY_TIMEOUT',
      retryable: true,
    });
    await expect(opened.send(Buffer.from('2'))).rejects.toMatchObject({
      code: expect.stringMatching(/^(ADAPTER_NOT_CONNECTED|REPLY_TIMEOUT)$/),
    });
    await peer.set('/slow', { answer: 'now' });
    await using again = await openOutbound(websocketOut, { ...given, replyTimeout: '5s' });
    const reply = await again.send(Buffer.from('3'));
    expect(Buffer.from(reply?.body ?? []).toString()).toBe('now');
  });

  test('away and back, twice', async () => {
    await using gate = await tcpGate(peer.port);
    for (let round = 0; round < 2; round++) {
      await using opened = await openOutbound(websocketOut, to('/back', gate.port));
      await opened.send(Buffer.from(`${round}`));
      await gate.shut();
      await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('disconnected'));
      await expect(opened.send(Buffer.from('lost'))).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
      });
      await gate.open();
    }
    expect((await peer.at('/back')).received.map(({ body }) => body.toString())).toEqual([
      '0',
      '1',
    ]);
  });

  test('a peer that takes no more data (full) or goes silent is noticed in time', async () => {
    await using gate = await tcpGate(peer.port);
    const given = { ...to('/full', gate.port), reply: 'none', writeTimeout: '300ms' };
    await using opened = await openOutbound(websocketOut, given);
    await using left = await openOutbound(websocketOut, { ...given, writeTimeout: '1m' });
    gate.pause();
    await expect(opened.send(Buffer.alloc(16_000_000))).rejects.toMatchObject({ retryable: true });
    const sent = left.send(Buffer.alloc(16_000_000));
    await gate.shut();
    await expect(sent).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
    await gate.open();
    gate.resume();
    await using alive = await openOutbound(websocketOut, {
      ...to('/live', gate.port),
      ping: '100ms',
    });
    gate.pause();
    await vi.waitFor(() => expect(alive.states.at(-1)?.state).toBe('disconnected'));
    gate.resume();
  });

  test('what a peer refuses by its limit or by a close code fails, with what to do', async () => {
    await using opened = await openOutbound(websocketOut, to('/huge'));
    await expect(opened.send(streamedBody(Buffer.alloc(11_000_000, 'x')))).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringContaining('too large (1009)'),
    });
    await using good = await openOutbound(websocketOut, to('/huge'));
    const large = Buffer.alloc(9_000_000, 'HL7 ');
    await good.send(streamedBody(large));
    expect((await peer.at('/huge')).received.at(-1)?.body.equals(large)).toBe(true);
    await peer.set('/policy', { close: 1008 });
    await using policy = await openOutbound(websocketOut, { ...to('/policy'), reply: 'next' });
    await expect(policy.send(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('by a rule of its own (1008)'),
    });
  });

  test('a server of another protocol, or none at all, is named', async () => {
    await using mute = await listening(
      createServer((socket) => {
        socket
          .on('error', () => undefined)
          .resume()
          .end('220 mail.example ESMTP\r\n');
      }),
    );
    await expect(openOutbound(websocketOut, to('/', mute.port))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('does not agree to a WebSocket'),
    });
    await using hanging = await listening(
      createServer((socket) => socket.on('error', () => undefined).resume()),
    );
    const begin = performance.now();
    await expect(
      openOutbound(websocketOut, { ...to('/', hanging.port), connectTimeout: '200ms' }),
    ).rejects.toMatchObject({ retryable: true });
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

test('a message whose bytes the system refuses at once is not taken for sent', async () => {
  await using peer = await resettingPeer('websocket');
  const given = { url: `ws://127.0.0.1:${peer.port}/`, reply: 'none' };
  await using opened = await openOutbound(websocketOut, given);
  await opened.send(Buffer.from('one'));
  await peer.heard;
  peer.reset();
  await expect(opened.send(Buffer.from('two'))).rejects.toMatchObject({
    code: 'ADAPTER_NOT_CONNECTED',
  });
});

test('settings that do not go together are told', () => {
  expect(faults({ reply: 'matching' })).toEqual(['id', 'replyId']);
  expect(faults({ id: 'name' })).toEqual(['id']);
  expect(faults({ accepted: 'OK' })).toEqual(['accepted']);
  expect(faults({ reply: 'next', accepted: 'OK' })).toEqual([]);
  expect(() => readGiven(websocketOutSettings, { url: 'https://h/' })).toThrow('begins with wss');
  expect(() => readGiven(websocketOutSettings, { url: 'wss://u:p@h/' })).toThrow('a credential');
});
