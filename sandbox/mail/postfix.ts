import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MailPorts, MailServersOptions } from './mail.ts';

const run = promisify(execFile);

/**
 * Writes the configuration of a separate Postfix: a submission port (STARTTLS), one with TLS from
 * the start, and a relay port that offers neither TLS nor sign-in. It accepts mail only for the
 * given users and never sends anything out. Nothing outside `folder` is used.
 */
export async function postfixFolder(
  folder: string,
  ports: MailPorts,
  options: MailServersOptions & { readonly signIn: string },
): Promise<void> {
  const [owner, group] = await Promise.all([idOf('-u', 'postfix'), idOf('-g', 'postfix')]);
  const dropping = Number(
    (await readFile('/etc/group', 'utf8')).match(/^postdrop:[^:]*:(\d+)/m)?.[1],
  );
  const made = async (name: string, mode: number, of = group): Promise<void> => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    await chmod(path, mode);
    await chown(path, owner, of);
  };
  // as `postfix check` makes them, which takes three seconds for it
  await mkdir(join(folder, 'queue/pid'), { recursive: true });
  await Promise.all([
    made('state', 0o755),
    ...QUEUES.map((name) => made(`queue/${name}`, 0o700)),
    made('queue/maildrop', 0o730, dropping),
    made('queue/public', 0o710, dropping),
  ]);
  const main = join(folder, 'main.cf');
  await writeFile(main, mainConfiguration(folder, ports, options));
  await writeFile(join(folder, 'master.cf'), masterConfiguration(ports));
  // each of its programs waits until nobody has written to it for two seconds
  const past = new Date(Date.now() - 60_000);
  await utimes(main, past, past);
}

/** Folders of a queue that are its owner's alone. */
const QUEUES = 'active bounce corrupt defer deferred flush hold incoming private saved trace'.split(
  ' ',
);

async function idOf(which: '-u' | '-g', user: string): Promise<number> {
  return Number((await run('id', [which, user])).stdout);
}

function mainConfiguration(
  folder: string,
  ports: MailPorts,
  options: MailServersOptions & { readonly signIn: string },
): string {
  const users = Object.keys(options.users);
  const domains = new Set(users.map((user) => user.split('@')[1] ?? ''));
  const refusals = Object.entries(options.refusals ?? {});
  const refused = inline(refusals.map(([address, reply]) => `{ ${address} = ${reply} }`));
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/state
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.sandbox.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = ${[...domains].join(' ')}
virtual_mailbox_maps = ${inline(users.map((user) => `{ ${user} = x }`))}
virtual_transport = lmtp:inet:127.0.0.1:${ports.delivery}
message_size_limit = ${options.sizeLimit ?? 10_240_000}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_tls_cert_file = ${options.certificate}
smtpd_tls_key_file = ${options.key}
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${options.signIn}
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
default_transport = error:5.7.1 the sandbox sends nothing out
relay_transport = error:5.7.1 the sandbox sends nothing out
smtpd_error_sleep_time = 0
smtpd_recipient_restrictions = ${refusals.length === 0 ? '' : `check_recipient_access ${refused}, `}permit_sasl_authenticated, reject_unauth_destination
`;
}

const inline = (entries: readonly string[]): string => `inline:{ ${entries.join(' ')} }`;

function masterConfiguration(ports: MailPorts): string {
  const signedInOnly =
    '-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject';
  return `127.0.0.1:${ports.relay} inet n - n - - smtpd
127.0.0.1:${ports.submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes ${signedInOnly}
127.0.0.1:${ports.submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes ${signedInOnly}
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
lmtp      unix  - - n - - lmtp
error     unix  - - n - - error
retry     unix  - - n - - error
pickup    unix  n - n 60 1 pickup
showq     unix  n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
`;
}
