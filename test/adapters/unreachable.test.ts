import { createServer as createTlsServer } from 'node:tls';
import { expect, test, vi } from 'vitest';
import amqpIn from '../../adapters/amqp/amqp-in.ts';
import amqpOut from '../../adapters/amqp/amqp-out.ts';
import amqp1In from '../../adapters/amqp/v1/amqp1-in.ts';
import amqp1Out from '../../adapters/amqp/v1/amqp1-out.ts';
import fhirOut from '../../adapters/fhir/fhir-out.ts';
import ftpsIn from '../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../adapters/ftps/ftps-out.ts';
import graphMailIn from '../../adapters/graph/graph-mail-in.ts';
import graphMailOut from '../../adapters/graph/graph-mail-out.ts';
import httpOut from '../../adapters/http/http-out.ts';
import imapIn from '../../adapters/imap/imap-in.ts';
import kafkaIn from '../../adapters/kafka/kafka-in.ts';
import kafkaOut from '../../adapters/kafka/kafka-out.ts';
import mllpOut from '../../adapters/mllp/mllp-out.ts';
import mqttIn from '../../adapters/mqtt/mqtt-in.ts';
import mqttOut from '../../adapters/mqtt/mqtt-out.ts';
import natsIn from '../../adapters/nats/nats-in.ts';
import natsOut from '../../adapters/nats/nats-out.ts';
import pop3In from '../../adapters/pop3/pop3-in.ts';
import printOut from '../../adapters/print/print-out.ts';
import smtpOut from '../../adapters/smtp/smtp-out.ts';
import soapOut from '../../adapters/soap/soap-out.ts';
import sshExecOut from '../../adapters/ssh/exec/ssh-exec-out.ts';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../adapters/ssh/sftp/sftp-out.ts';
import tcpIn from '../../adapters/tcp/tcp-in.ts';
import tcpOut from '../../adapters/tcp/tcp-out.ts';
import websocketIn from '../../adapters/websocket/websocket-in.ts';
import websocketOut from '../../adapters/websocket/websocket-out.ts';
import type { Credential, InboundAdapter, OutboundAdapter } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { certificates } from '../support/certificates.ts';
import { describeWithFtpd, ftpsTo } from '../support/ftps-server.ts';
import { openResources } from '../support/nothing-open.ts';
import { openInbound, openOutbound, testSteps } from '../support/open-adapter.ts';
import { smtpPeer } from '../support/smtp-peer.ts';
import { listening } from '../support/tcp-server.ts';

/** Every adapter that connects, with a name that nobody knows and with a certificate that has expired. */

interface Case {
  readonly adapter: InboundAdapter | OutboundAdapter;
  /** The settings that lead to a place, in TLS from the start where the protocol has it. */
  readonly to: (place: string) => Record<string, unknown>;
  /** What the engine is told when the adapter is opened and, if it sends, sends. */
  readonly failure: (given: Record<string, unknown>) => Promise<unknown>;
}

const CREDENTIALS: Readonly<Record<string, Credential>> = {
  account: { kind: 'basic', user: 'hub', password: 'pw' },
  token: { kind: 'oauth2', token: async () => 'a token' },
};

const BODY = Buffer.from('{"resourceType":"Patient"}');

const mail = { from: 'hub@hospital.example', to: 'ward@hospital.example' };
const account = { credential: 'account' };
const file = { folder: '', name: 'x' };
const hostKey = `SHA256:${'A'.repeat(43)}`;
const graph = (place: string) => ({
  url: `https://${place}/v1.0`,
  credential: 'token',
  mailbox: 'hub@hospital.example',
});

const options = { credentials: CREDENTIALS };

function receiving<S extends Settings>(adapter: InboundAdapter<S>, to: Case['to']): Case {
  const open = async (given: Record<string, unknown>): Promise<unknown> => {
    await using opened = await openInbound(adapter, given, options);
    return await vi.waitFor(() => {
      expect(opened.lost).toHaveLength(1);
      return opened.lost[0];
    });
  };
  return { adapter, to, failure: (given) => open(given).catch((error: unknown) => error) };
}

function sending<S extends Settings>(
  adapter: OutboundAdapter<S>,
  to: Case['to'],
  body = BODY,
): Case {
  const send = async (given: Record<string, unknown>): Promise<unknown> => {
    await using opened = await openOutbound(adapter, given, options);
    return await opened.send(body);
  };
  return { adapter, to, failure: (given) => send(given).catch((error: unknown) => error) };
}

const SECURE: readonly Case[] = [
  receiving(mqttIn, (connect) => ({ connect, ...account, topics: 'x' })),
  sending(mqttOut, (connect) => ({ connect, ...account, topic: 'x' })),
  receiving(amqpIn, (connect) => ({ connect, ...account, queue: 'x' })),
  sending(amqpOut, (connect) => ({ connect, ...account, routingKey: 'x' })),
  receiving(amqp1In, (connect) => ({ connect, ...account, address: 'x' })),
  sending(amqp1Out, (connect) => ({ connect, ...account, address: 'x' })),
  receiving(kafkaIn, (connect) => ({ connect, ...account, topics: 'x' })),
  sending(kafkaOut, (connect) => ({ connect, ...account, topic: 'x' })),
  sending(mllpOut, (connect) => ({ connect })),
  sending(tcpOut, (connect) => ({ connect, reply: 'line' })),
  receiving(ftpsIn, (connect) => ({ connect, ...account, security: 'implicit', folder: '' })),
  sending(ftpsOut, (connect) => ({ connect, ...account, security: 'implicit', ...file })),
  sending(smtpOut, (connect) => ({ connect, ...account, ...mail, security: 'tls' })),
  receiving(imapIn, (connect) => ({ connect, ...account, security: 'tls' })),
  receiving(pop3In, (connect) => ({ connect, ...account, security: 'tls' })),
  receiving(graphMailIn, graph),
  sending(graphMailOut, (place) => ({ ...graph(place), to: mail.to })),
  sending(httpOut, (place) => ({ url: `https://${place}/in`, ...account })),
  sending(fhirOut, (place) => ({ url: `https://${place}/r4`, ...account })),
  sending(printOut, (place) => ({ url: `ipps://${place}/ipp/print`, ...account })),
  sending(websocketOut, (place) => ({ url: `wss://${place}/`, ...account })),
  sending(soapOut, (place) => ({ url: `https://${place}/x`, ...account }), Buffer.from('<a/>')),
];

const ALL: readonly Case[] = [
  ...SECURE,
  receiving(tcpIn, (connect) => ({ callOut: { connect } })),
  receiving(websocketIn, (place) => ({ callOut: { url: `wss://${place}/`, ...account } })),
  receiving(natsIn, (connect) => ({ connect, subject: 'x' })),
  sending(natsOut, (connect) => ({ connect, subject: 'x' })),
  receiving(sftpIn, (connect) => ({ connect, ...account, hostKey, folder: '' })),
  sending(sftpOut, (connect) => ({ connect, ...account, hostKey, ...file })),
  sending(sshExecOut, (connect) => ({ connect, ...account, hostKey, command: 'true' })),
];

const typeOf = ({ adapter }: Case): string => adapter.type;

test.for(ALL.map((one) => [typeOf(one), one] as const))(
  '%s to a name that nobody knows is to be tried again, says so, and leaves nothing open',
  async ([, one]) => {
    const given = withTls(one, one.to('no-such-host.invalid:2575'));
    const resources = openResources();
    expect(await one.failure(given)).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      retryable: true,
      message: expect.stringMatching(/the name of no-such-host\.invalid:2575\b/),
    });
    await resources.expectNothingNew();
    const steps = await testSteps(one.adapter, given, options);
    expect(steps.at(-1)).toMatchObject({ name: 'name', result: 'failed' });
  },
);

test.for(SECURE.map((one) => [typeOf(one), one] as const))(
  '%s to a server whose certificate has expired signs nobody in, says since when, and leaves nothing open',
  async ([, one]) => {
    await using files = await certificates();
    const { certificate: cert, key } = files.expiredServer;
    let heard = 0;
    await using server = await listening(
      createTlsServer({ cert, key }, (socket) => {
        socket.on('error', () => undefined).on('data', ({ length }) => (heard += length));
      }).on('tlsClientError', () => undefined),
    );
    const given = { ...one.to(`localhost:${server.port}`), tls: { trust: files.trust } };
    const resources = openResources();
    expect(await one.failure(given)).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      retryable: true,
      message: expect.stringMatching(/certificate of localhost:\d+ has expired/),
    });
    await resources.expectNothingNew();
    expect(heard).toBe(0);
    const steps = await testSteps(one.adapter, given, options);
    expect(steps.at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
      cause: expect.stringMatching(/has expired/),
      detail: expect.stringMatching(/valid until \d{4}-\d\d-\d\d/),
    });
  },
);

/** Those that speak TLS only where it is set. */
const withTls = ({ adapter }: Case, given: Record<string, unknown>): Record<string, unknown> =>
  'tls' in adapter.settings && !('callOut' in given) ? { ...given, tls: {} } : given;

test('smtp-out to such a server shows no password after STARTTLS either', async () => {
  await using files = await certificates();
  await using peer = await smtpPeer({
    security: 'starttls',
    certificate: files.expiredServer,
    users: { hub: 'pw' },
  });
  const tls = { trust: files.trust };
  const one = sending(smtpOut, (connect) => ({ connect, ...account, ...mail, tls }));
  expect(await one.failure(one.to(`localhost:${peer.port}`))).toMatchObject({
    code: 'ADAPTER_NOT_CONNECTED',
    message: expect.stringMatching(/has expired/),
  });
  expect(peer.signIns).toEqual([]);
});

const authority = certificateAuthority('Authority of the FTP server');
const DAY = 86_400_000;
const ended = authority.issue({
  commonName: 'localhost',
  names: ['IP:127.0.0.1'],
  notBefore: new Date(Date.now() - 90 * DAY),
  notAfter: new Date(Date.now() - DAY),
});

describeWithFtpd(
  'such a server, after AUTH TLS',
  { program: 'vsftpd', certificate: { ...ended, authority: authority.certificate } },
  (server) => {
    test.for([
      ['ftps-in', receiving(ftpsIn, (connect) => ({ connect, ...account, folder: '' }))],
      ['ftps-out', sending(ftpsOut, (connect) => ({ connect, ...account, ...file }))],
    ] as const)('%s', async ([, one]) => {
      const { connect, tls } = ftpsTo(server()).given;
      const given = { ...one.to(String(connect)), tls };
      expect(await one.failure(given)).toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/has expired/),
      });
      const steps = await testSteps(one.adapter, given, options);
      expect(steps.at(-1)).toMatchObject({ name: 'TLS', result: 'failed' });
    });
  },
);
