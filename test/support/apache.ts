import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { Certificates } from './certificates.ts';

const PROGRAM = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const REALM = 'laboratory';

/** Whether Debian's Apache is on this machine. */
export const hasApache: boolean = existsSync(PROGRAM);

export interface ApacheAccount {
  readonly user: string;
  readonly password: string;
}

export interface Apache extends AsyncDisposable {
  /** Requires the account by Digest and passes requests on to `upstream`. */
  readonly digestUrl: string;
  /** Requires a client certificate of the test authority in the handshake, and also passes requests on. */
  readonly mutualUrl: string;
  /** A web proxy (CONNECT, and plain requests) that requires the account by Basic. */
  readonly proxyUrl: string;
  /** The proxy's log: `METHOD target status`, each a moment after its connection has ended. */
  proxied(): Promise<readonly string[]>;
}

const loaded = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'auth_basic',
  'auth_digest',
  'authn_file',
  'proxy',
  'proxy_http',
  'proxy_connect',
  'ssl',
  'socache_shmcb',
];

/** Starts Apache on loopback, in the foreground. */
export async function apache(
  files: Certificates,
  {
    account,
    upstream,
    connect = 443,
  }: {
    readonly account: ApacheAccount;
    readonly upstream: string;
    /** The port, or the range of ports, to which the proxy may connect. */
    readonly connect?: number | string;
  },
): Promise<Apache> {
  const digestPort = await freePort();
  const mutualPort = await freePort();
  const proxyPort = await freePort();
  const path = join(files.folder, 'apache');
  await mkdir(path, { recursive: true });
  // Its workers run as another user and need access to the file of accounts.
  await chmod(files.folder, 0o755);
  const { user, password } = account;
  const proof = createHash('md5').update(`${user}:${REALM}:${password}`).digest('hex');
  await writeFile(join(path, 'accounts'), `${user}:${REALM}:${proof}\n`);
  const sum = createHash('sha1').update(password).digest('base64');
  await writeFile(join(path, 'users'), `${user}:{SHA}${sum}\n`);
  await files.file('apache.crt', files.server.certificate);
  await files.file('apache.key', files.server.key);
  await writeFile(
    join(path, 'httpd.conf'),
    `ServerRoot ${path}
PidFile ${path}/pid
ErrorLog ${path}/error.log
User www-data
Group www-data
Mutex file:${path} default
ServerName localhost
Listen 127.0.0.1:${digestPort}
Listen 127.0.0.1:${mutualPort}
Listen 127.0.0.1:${proxyPort}
${loaded.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
ServerLimit 1
<VirtualHost 127.0.0.1:${digestPort}>
  ProxyPass / ${upstream}/
  <Location />
    AuthType Digest
    AuthName "${REALM}"
    AuthDigestProvider file
    AuthUserFile ${path}/accounts
    Require valid-user
  </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:${mutualPort}>
  ProxyPass / ${upstream}/
  SSLEngine on
  SSLCertificateFile ${files.folder}/apache.crt
  SSLCertificateKeyFile ${files.folder}/apache.key
  SSLCACertificateFile ${files.trust}
  SSLVerifyClient require
</VirtualHost>
<VirtualHost 127.0.0.1:${proxyPort}>
  ProxyRequests On
  AllowCONNECT ${connect}
  LogFormat "%m %U %>s" proxied
  CustomLog ${path}/proxied.log proxied
  <Proxy "*">
    AuthType Basic
    AuthName "${REALM}"
    AuthUserFile ${path}/users
    Require valid-user
  </Proxy>
</VirtualHost>
`,
  );
  const daemon = await startDaemon({
    program: PROGRAM,
    args: ['-f', join(path, 'httpd.conf'), '-DFOREGROUND'],
    log: join(path, 'out.log'),
    port: mutualPort,
  });
  return {
    digestUrl: `http://localhost:${digestPort}`,
    mutualUrl: `https://localhost:${mutualPort}`,
    proxyUrl: `http://localhost:${proxyPort}`,
    proxied: async () =>
      (await readFile(join(path, 'proxied.log'), 'utf8')).split('\n').filter((line) => line !== ''),
    [Symbol.asyncDispose]: () => daemon.stop(),
  };
}
