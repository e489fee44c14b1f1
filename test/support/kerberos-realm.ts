import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);
const SERVER = '/usr/sbin/krb5kdc';
const TOOLS = [SERVER, '/usr/sbin/kadmin.local', '/usr/sbin/kdb5_util', '/usr/bin/kinit'];

/** Why tests with MIT Kerberos are skipped; undefined where they run. */
export const noKerberos: string | undefined = TOOLS.every((one) => existsSync(one))
  ? undefined
  : 'krb5-kdc, krb5-admin-server and krb5-user are not installed';

export const REALM = 'HOSPITAL.EXAMPLE';

/** A realm of MIT Kerberos, with its own key distribution center. */
export interface KerberosRealm extends AsyncDisposable {
  /** Where the center answers. */
  readonly kdc: string;
  readonly folder: string;
  /** Makes a principal with that password, or with a key that nobody knows. */
  add(principal: string, password?: string): Promise<void>;
  /** Any other order to `kadmin.local`, such as `modprinc -allow_tix anna`. */
  order(text: string): Promise<void>;
  /** A keytab with the present keys of the principals, which it leaves as they are unless `options` says otherwise. */
  keytab(name: string, principals: readonly string[], options?: string): Promise<string>;
  /** Signs somebody in as at a workstation: the environment in which programs find the ticket. */
  signIn(user: string, password: string, options?: readonly string[]): Promise<NodeJS.ProcessEnv>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function kerberosRealm(): Promise<KerberosRealm> {
  const folder = await temporaryFolder('kerberos');
  const at = (name: string): string => join(folder.path, name);
  const port = await freePort();
  await writeFile(at('krb5.conf'), clientConfig(port, at('kdc.log')));
  await writeFile(at('kdc.conf'), serverConfig(port, folder.path));
  const env = { ...process.env, KRB5_CONFIG: at('krb5.conf'), KRB5_KDC_PROFILE: at('kdc.conf') };
  await run('/usr/sbin/kdb5_util', ['create', '-s', '-r', REALM, '-P', 'master'], { env });
  const start = () =>
    startDaemon({
      program: '/usr/bin/env',
      args: [
        `KRB5_CONFIG=${env.KRB5_CONFIG}`,
        `KRB5_KDC_PROFILE=${env.KRB5_KDC_PROFILE}`,
        SERVER,
        '-n',
      ],
      log: at('server.log'),
      port,
    });
  let daemon = await start();
  const order = async (text: string): Promise<void> => {
    const { stderr } = await run('/usr/sbin/kadmin.local', ['-r', REALM, '-q', text], { env });
    // it ends with 0 whatever happened
    if (/kadmin\.local: |add_principal: |ktadd: /.test(stderr)) throw new Error(stderr);
  };
  let sessions = 0;
  return {
    kdc: `127.0.0.1:${port}`,
    folder: folder.path,
    order,
    add: (principal, password) =>
      order(`addprinc ${password === undefined ? '-randkey' : `-pw "${password}"`} ${principal}`),
    async keytab(name, principals, options = '-norandkey') {
      await order(`ktadd -k ${at(name)} ${options} ${principals.join(' ')}`);
      return at(name);
    },
    async signIn(user, password, options = []) {
      const cache = { ...env, KRB5CCNAME: `FILE:${at(`cache-${++sessions}`)}` };
      const signing = run('/usr/bin/kinit', [...options, user], { env: cache });
      signing.child.stdin?.end(`${password}\n`);
      await signing;
      return cache;
    },
    stop: () => daemon.stop(),
    async start() {
      daemon = await start();
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const clientConfig = (port: number, log: string): string => `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${REALM}
[logging]
  kdc = FILE:${log}
`;

const serverConfig = (port: number, folder: string): string => `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${folder}/principals
    key_stash_file = ${folder}/stash
    acl_file = ${folder}/acl
    supported_enctypes = aes256-cts:normal aes128-cts:normal aes256-sha2:normal aes128-sha2:normal
    max_life = 10h
    default_principal_flags = +preauth
  }
`;
