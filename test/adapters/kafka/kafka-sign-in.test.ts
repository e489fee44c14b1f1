import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import kafkaIn from '../../../adapters/kafka/kafka-in.ts';
import kafkaOut from '../../../adapters/kafka/kafka-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { type KafkaCluster, kafkaCluster, noKafka } from '../../support/kafka-cluster.ts';
import { type SaslRules, saslBefore } from '../../support/kafka-sasl.ts';
import { openInbound, openOutbound, testSteps } from '../../support/open-adapter.ts';

const right: Credential = { kind: 'basic', user: 'hub', password: 'p,=w' };
const wrong: Credential = { kind: 'basic', user: 'hub', password: 'wrong' };
const tokenOf = (token: string): Credential => ({
  kind: 'oauth2',
  token: () => Promise.resolve(token),
});

describe.skipIf(noKafka !== undefined)('signing in to Kafka', () => {
  let cluster: KafkaCluster;
  let topic: string;
  beforeAll(async () => {
    cluster = await kafkaCluster();
    topic = randomUUID();
    await cluster.createTopic(topic);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Settings that lead through another port. */
  const through = (port: number) => {
    const at = `127.0.0.1:${port}`;
    return { connect: at, addresses: `127.0.0.1:${cluster.ports[0]}=${at}`, topic };
  };

  const WAYS: readonly (SaslRules & { readonly good: Credential; readonly bad: Credential })[] = [
    { mechanism: 'PLAIN', user: 'hub', password: 'p,=w', good: right, bad: wrong },
    { mechanism: 'SCRAM-SHA-256', user: 'hub', password: 'p,=w', good: right, bad: wrong },
    { mechanism: 'SCRAM-SHA-512', user: 'hub', password: 'p,=w', good: right, bad: wrong },
    { mechanism: 'OAUTHBEARER', token: 'good', good: tokenOf('good'), bad: tokenOf('bad') },
  ];

  test.for(WAYS)('$mechanism', async ({ good, bad, ...rules }) => {
    await using peer = await saslBefore(cluster.ports[0] ?? 0, rules);
    const by = rules.mechanism.toLowerCase();
    const given = {
      ...through(peer.port),
      credential: 'hub',
      ...(by !== 'oauthbearer' && { mechanism: by }),
    };
    const body = randomUUID();
    {
      await using opened = await openOutbound(kafkaOut, given, { credentials: { hub: good } });
      expect(await opened.send(Buffer.from(body))).toMatchObject({ code: 'OK' });
    }
    expect(await cluster.bodies(topic)).toContainEqual(Buffer.from(body));
    const refused = { credentials: { hub: bad } };
    await expect(openOutbound(kafkaOut, given, refused)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/refused the sign-in \((as hub|by a token)/),
    });
    expect((await testSteps(kafkaOut, given, refused)).at(-1)).toMatchObject({
      name: 'sign-in',
      result: 'failed',
      cause: expect.stringContaining('refused the sign-in'),
      remedy: expect.stringMatching(/Check (user and password|which issuer)/),
    });
    const { topic: topics, ...common } = given;
    const service = await openInbound(kafkaIn, { ...common, topics }, refused);
    expect(service.events).toMatchObject([{ level: 'error', name: 'refused' }]);
    await service.close();
  });

  test('a token that is refused is fetched anew, once', async () => {
    await using peer = await saslBefore(cluster.ports[0] ?? 0, {
      mechanism: 'OAUTHBEARER',
      token: 'good',
    });
    const hub: Credential = {
      kind: 'oauth2',
      token: async (_, options) => (options?.fresh === true ? 'good' : 'of an older key'),
    };
    const given = { ...through(peer.port), credential: 'hub' };
    await using opened = await openOutbound(kafkaOut, given, { credentials: { hub } });
    expect(await opened.send(Buffer.from('x'))).toMatchObject({ code: 'OK' });
  });

  test('a mechanism that the broker does not offer: those that it does are named', async () => {
    const rules = { mechanism: 'SCRAM-SHA-512', user: 'hub', password: 'p,=w' } as const;
    await using peer = await saslBefore(cluster.ports[0] ?? 0, rules);
    const given = { ...through(peer.port), credential: 'hub', mechanism: 'plain' };
    await expect(openOutbound(kafkaOut, given, { credentials: { hub: right } })).rejects.toThrow(
      /it offers SCRAM-SHA-512. Correct mechanism/,
    );
  });

  test('without a sign-in at a broker that wants one', async () => {
    const rules = { mechanism: 'PLAIN', user: 'hub', password: 'p,=w' } as const;
    await using peer = await saslBefore(cluster.ports[0] ?? 0, rules);
    await expect(openOutbound(kafkaOut, through(peer.port))).rejects.toThrow(
      /may want a sign-in .*name a credential/s,
    );
  });

  /** socat ends TLS before the broker. */
  async function terminator(options: string): Promise<AsyncDisposable & { readonly port: number }> {
    const port = await freePort();
    const listen = `OPENSSL-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,${options}`;
    const socat = spawn('socat', [listen, `TCP:127.0.0.1:${cluster.ports[0]}`], {
      stdio: 'ignore',
    });
    await vi.waitFor(() => reached(port), { timeout: 5_000 });
    return { port, [Symbol.asyncDispose]: () => gone(socat) };
  }

  test('TLS, mutual TLS, a certificate of a stranger, and TLS that is missing on one side', async () => {
    await using files = await certificates();
    const { server, client } = files;
    const pem = await files.file('server.pem', `${server.certificate}\n${server.key}`);
    await using plain = await terminator(`cert=${pem},verify=0`);
    await using mutual = await terminator(`cert=${pem},verify=1,cafile=${files.trust}`);
    const tls = { trust: files.trust };
    const credentials = { own: client, other: files.strangeClient };
    const send = async (given: object, body = 'x') => {
      await using opened = await openOutbound(kafkaOut, { ...given }, { credentials });
      return await opened.send(Buffer.from(body));
    };
    expect(await send({ ...through(plain.port), tls })).toMatchObject({ code: 'OK' });
    const own = { ...through(mutual.port), tls: { ...tls, certificate: 'own' } };
    expect(await send(own)).toMatchObject({ code: 'OK' });
    const steps = await testSteps(kafkaOut, own, { credentials });
    expect(steps.map(({ name, result }) => [name, result])).toEqual(
      ['name', 'TCP', 'TLS', 'sign-in', 'topic', 'leaders'].map((name) => [name, 'passed']),
    );
    const strange = { ...through(mutual.port), tls: { ...tls, certificate: 'other' } };
    await expect(send(strange)).rejects.toThrow(/Not connected/);
    await expect(send({ ...through(plain.port), tls: {} })).rejects.toThrow(/certificate/);
    await expect(send(through(plain.port))).rejects.toThrow(/TLS/);
    const inClear = { ...through(cluster.ports[0] ?? 0), tls, connectTimeout: '2s' };
    await expect(send(inClear)).rejects.toThrow(/TLS/);
  });

  test('a port that does not speak Kafka', async () => {
    const port = await freePort();
    const web = spawn('socat', [
      `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`,
      'SYSTEM:printf "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"',
    ]);
    await vi.waitFor(() => reached(port), { timeout: 5_000 });
    const given = { ...through(port), connectTimeout: '2s' };
    await expect(openOutbound(kafkaOut, given)).rejects.toThrow(/is a web server|Kafka/);
    await gone(web);
  });
});

async function reached(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

async function gone(child: ChildProcess): Promise<void> {
  const closed = once(child, 'exit');
  child.kill();
  await closed;
}
