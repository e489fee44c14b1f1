import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import type { Asked } from './operator.ts';
import type { Visitor } from './visitor.ts';

const PYTHON = '/usr/bin/python3';

/** Why tests against pysaml2 are skipped; undefined where they run. */
export const noPysaml: string | undefined =
  spawnSync(PYTHON, [
    '-c',
    'import importlib.util,sys;sys.exit(importlib.util.find_spec("saml2") is None)',
  ]).status === 0
    ? undefined
    : 'python3-pysaml2 is not installed';

/** What the identity provider says of whoever comes. */
export interface Said {
  readonly name?: string;
  readonly groups?: readonly string[];
  /** What it signs. */
  readonly sign?: 'assertion' | 'response' | 'both';
  readonly refuse?: boolean;
}

/** An identity provider that signs in anybody it is told to. */
export interface SamlService extends AsyncDisposable {
  readonly url: string;
  /** Its metadata. */
  readonly metadata: string;
  say(said: Said): Promise<Record<string, unknown>>;
  /** The response (base64) for a browser that the console has sent here, and the address it is for. */
  answer(location: string): Promise<{ readonly to: string; readonly response: string }>;
  /** The same by a form that the console made. */
  answerForm(page: string): Promise<{ readonly to: string; readonly response: string }>;
  /** Does all the steps of a browser: console, provider, console. */
  browse(console: Visitor, name?: string): Promise<Asked<Record<string, unknown>>>;
  /** Signs somebody out at the provider: the address to which it sends the browser. */
  leave(name: string): Promise<string>;
}

/** Posts as a browser does: a form of another site's page comes without our cookies. */
export async function posted(
  console: Visitor,
  to: string,
  response: string,
): Promise<Asked<Record<string, unknown>>> {
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: 'null' };
  const stranger = await fetch(to, {
    method: 'POST',
    headers: form,
    body: new URLSearchParams({ SAMLResponse: response }),
  });
  const page = await stranger.text();
  const fields = [...page.matchAll(/name="(\w+)" value="([^"]*)"/g)];
  const again = new URLSearchParams(fields.map(([, name = '', value = '']) => [name, value]));
  return console.ask('POST', to, again);
}

const answer: SamlService['answer'] = async (location) => {
  const { to, response } = (await (await fetch(location)).json()) as {
    to: string;
    response: string;
  };
  return { to, response: Buffer.from(response).toString('base64') };
};

/** @param sp the metadata of the console, which it knows from the start */
export async function samlService(sp: string): Promise<SamlService> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-saml-'));
  const at = (name: string): string => join(folder, name);
  const { certificate, key } = certificateAuthority('Hospital sign-in').issue({
    commonName: 'idp',
    keys: 'RSA',
  });
  await writeFile(at('cert.pem'), certificate);
  await writeFile(at('key.pem'), key);
  await writeFile(at('sp.xml'), sp);
  const port = await freePort();
  const args = ['test/support/saml-idp.py', String(port), folder];
  const server = await startDaemon({ program: PYTHON, args, log: at('log'), port });
  const url = `http://localhost:${port}`;
  const metadata = await (await fetch(`${url}/metadata`)).text();
  return {
    url,
    metadata,
    async say(said) {
      const told = await fetch(`${url}/said`, { method: 'POST', body: JSON.stringify(said) });
      return (await told.json()) as Record<string, unknown>;
    },
    answer,
    async answerForm(page) {
      const [, to = ''] = /action="([^"]*)"/.exec(page) ?? [];
      const [, value = ''] = /name="SAMLRequest" value="([^"]*)"/.exec(page) ?? [];
      const body = new URLSearchParams({ SAMLRequest: value });
      const told = await fetch(to, { method: 'POST', body });
      const { to: back, response } = (await told.json()) as { to: string; response: string };
      return { to: back, response: Buffer.from(response).toString('base64') };
    },
    async browse(console, name = 'adfs') {
      const start = await console.ask('GET', `/api/v1/sign-in/saml/${name}?back=/messages`);
      const location = start.headers.get('location');
      if (location === null) return start;
      const { to, response } = await answer(location);
      return posted(console, to, response);
    },
    async leave(name) {
      const answered = await fetch(`${url}/leave?name=${encodeURIComponent(name)}`, {
        redirect: 'manual',
      });
      return answered.headers.get('location') ?? '';
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
