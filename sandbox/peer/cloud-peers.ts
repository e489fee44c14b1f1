import { randomBytes } from 'node:crypto';
import { entraSandbox } from '../entra/entra-sandbox.ts';
import { freePort } from '../free-port.ts';
import { graphSandbox } from '../graph/graph-sandbox.ts';
import { oauth2Sandbox } from '../oauth2/oauth2-sandbox.ts';
import type { PeerStart } from './peer.ts';

const HUB = 'hub@hospital.example';
const REGISTRAR = 'registrar@hospital.example';
const CLIENT = '66666666-7777-8888-9999-000000000000';
const FAKE = 'a faithful fake, in this process';

const secretOf = (): string => `sandbox-${randomBytes(6).toString('hex')}`;

/** An OAuth2 server, a client of it that calls a service of the production, and one that introspects tokens. */
export const oauth2Peer: PeerStart = async (folder) => {
  const [caller, hub] = [secretOf(), secretOf()];
  const server = await oauth2Sandbox({
    clients: [
      { clientId: 'caller', secret: caller, secretIn: 'header' },
      { clientId: 'hub', secret: hub, secretIn: 'header' },
    ],
    scopes: ['read', 'write'],
  });
  const trust = await folder.file('oauth2-ca.pem', server.ca);
  const at = { kind: 'oauth2', issuer: server.url, trust };
  const listen = `127.0.0.1:${await freePort()}`;
  return [
    {
      rows: [
        {
          system: 'OAuth2',
          program: 'oidc-provider, in this process',
          address: server.url,
          signIn: `client caller, secret ${caller}; client hub, secret ${hub}; trust ${trust}`,
        },
      ],
      yaml: {
        credentials: {
          'sandbox-caller': {
            ...at,
            clientId: 'caller',
            authentication: { secret: caller },
            scope: 'write',
          },
          'sandbox-hub': { ...at, clientId: 'hub', authentication: { secret: hub } },
          'sandbox-tokens': { kind: 'introspection', client: 'sandbox-hub' },
        },
        services: {
          'sandbox-http-in': {
            adapter: 'http-in',
            settings: {
              listen,
              callers: [{ kind: 'bearer', verifier: 'sandbox-tokens' }],
              scopes: ['POST: write'],
            },
            to: 'sandbox-mllp',
          },
        },
        operations: {
          'sandbox-http': {
            adapter: 'http-out',
            settings: { url: `http://${listen}/`, credential: 'sandbox-caller' },
          },
        },
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    },
  ];
};

/** Entra with one application, and Graph with two mailboxes. Long only because of the texts and settings. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export const graphPeer: PeerStart = async (folder) => {
  const secret = secretOf();
  const entra = await entraSandbox({
    applications: [
      {
        clientId: CLIENT,
        name: 'The hub',
        secrets: [{ value: secret }],
        roles: { 'https://graph.microsoft.com': ['Mail.Send', 'Mail.ReadWrite'] },
      },
    ],
  });
  const graph = await graphSandbox({ entra, mailboxes: [HUB, REGISTRAR] });
  const trust = await folder.file('graph-ca.pem', graph.ca);
  const entraTrust = await folder.file('entra-ca.pem', entra.ca);
  const at = { url: graph.url, tls: { trust }, credential: 'sandbox-graph' };
  return [
    {
      rows: [
        {
          system: 'Entra',
          program: FAKE,
          address: entra.authority,
          signIn: `tenant ${entra.tenant}, client ${CLIENT}, secret ${secret}; trust ${entraTrust}`,
        },
        {
          system: 'Graph',
          program: FAKE,
          address: graph.url,
          signIn: `a token of Entra; mailboxes ${HUB} and ${REGISTRAR}; trust ${trust}`,
        },
      ],
      yaml: {
        credentials: {
          'sandbox-graph': {
            kind: 'oauth2',
            provider: 'entra',
            authority: entra.authority,
            tenant: entra.tenant,
            clientId: CLIENT,
            authentication: { secret },
            scope: 'https://graph.microsoft.com/.default',
            trust: entraTrust,
          },
        },
        services: {
          'sandbox-graph-in': {
            adapter: 'graph-mail-in',
            settings: { ...at, mailbox: REGISTRAR },
            to: 'sandbox-mllp',
          },
        },
        operations: {
          'sandbox-graph': {
            adapter: 'graph-mail-out',
            settings: { ...at, mailbox: HUB, to: REGISTRAR, subject: '{type}' },
          },
        },
      },
      async [Symbol.asyncDispose]() {
        await graph.close();
        await entra.close();
      },
    },
  ];
};
