import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { ConsoleProxy } from './console-proxy.ts';
import { temporaryFolder } from './temporary-folder.ts';

const FOLDER = '/usr/lib/apache2/modules';
const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_gssapi'];

/** Whether Apache has its module for Kerberos here. */
export const hasGssapi: boolean = existsSync(`${FOLDER}/mod_auth_gssapi.so`);

/** Apache with the rule of docs/sign-in.md, which signs people in by Kerberos in front of the console. */
export async function gssapiProxy(
  console: string,
  {
    keytab,
    realm,
    port: given,
  }: { readonly keytab: string; readonly realm: string; readonly port?: number },
): Promise<ConsoleProxy> {
  const folder = await temporaryFolder('gssapi');
  const { path } = folder;
  const port = given ?? (await freePort());
  const [, rule = ''] = /```apache\n([^]*?)```/.exec(readFileSync('docs/sign-in.md', 'utf8')) ?? [];
  // its workers run as another user
  await chmod(path, 0o755);
  await mkdir(join(path, 'logs'));
  await copyFile(keytab, join(path, 'http.keytab'));
  await chmod(join(path, 'http.keytab'), 0o644);
  await copyFile(join(realm, 'krb5.conf'), join(path, 'krb5.conf'));
  await writeFile(
    join(path, 'httpd.conf'),
    `ServerRoot ${path}
PidFile ${path}/pid
ErrorLog ${path}/error.log
User www-data
Group www-data
Mutex file:${path} default
ServerName localhost
Listen 127.0.0.1:${port}
${[...MODULES, 'proxy', 'proxy_http', 'headers'].map((name) => `LoadModule ${name}_module ${FOLDER}/mod_${name}.so`).join('\n')}
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
${rule.replace('http://127.0.0.1:8080/', console).replace('/etc/waybill', path)}
`,
  );
  const daemon = await startDaemon({
    program: '/usr/bin/env',
    args: [
      `KRB5_CONFIG=${path}/krb5.conf`,
      '/usr/sbin/apache2',
      '-f',
      join(path, 'httpd.conf'),
      '-DFOREGROUND',
    ],
    log: join(path, 'out.log'),
    port,
  });
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
