import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailPorts, MailServersOptions } from './mail.ts';

/** The paths of Dovecot's parts below its folder. */
export interface DovecotFolder {
  readonly configuration: string;
  readonly log: string;
  /** The socket for Postfix to check sign-ins. */
  readonly signIn: string;
}

/**
 * Writes the configuration of a separate Dovecot: IMAP (and POP3) with and without TLS from the start, LMTP
 * for what Postfix delivers, sign-in by password or by a signed token. Nothing outside `folder` is
 * used, so it can run next to the machine's own Dovecot.
 */
export async function dovecotFolder(
  folder: string,
  ports: MailPorts,
  options: MailServersOptions,
): Promise<DovecotFolder> {
  const at = (name: string) => join(folder, name);
  await mkdir(at('mail'));
  await chmod(at('mail'), 0o777);
  await mkdir(at('run'), { recursive: true });
  const users = Object.entries(options.users).map(
    ([user, password]) => `${user}:{PLAIN}${password}::::::`,
  );
  await writeFile(at('users'), `${users.join('\n')}\n`, { mode: 0o644 });
  for (const [name, key] of Object.entries(options.tokenKeys ?? {})) {
    const keys = join(folder, 'keys', 'default', 'RS256');
    await mkdir(keys, { recursive: true });
    await writeFile(join(keys, name), key);
  }
  await writeFile(at('dovecot.conf'), configuration(folder, ports, options));
  return { configuration: at('dovecot.conf'), log: at('dovecot.log'), signIn: at('run/sign-in') };
}

function configuration(folder: string, ports: MailPorts, options: MailServersOptions): string {
  return `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/dovecot.log
listen = 127.0.0.1
protocols {
  imap = yes
  lmtp = yes${options.pop3 === true ? '\n  pop3 = yes' : ''}
}
ssl = yes
ssl_min_protocol = TLSv1.2
ssl_server_cert_file = ${options.certificate}
ssl_server_key_file = ${options.key}
${signIn(folder, options.tokenKeys !== undefined)}
userdb static {
  fields {
    uid = nobody
    gid = nogroup
    home = ${folder}/mail/%{user}
  }
}
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/Maildir
namespace inbox {
  inbox = yes
  separator = ${options.separator ?? '/'}
  prefix = ${options.prefix ?? ''}
  mailbox Done {
    auto = subscribe
  }
}
${services(ports)}${options.pop3 === true ? pop3(ports) : ''}`;
}

function services(ports: MailPorts): string {
  return `service imap-login {
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports.delivery}
  }
}
service auth {
  unix_listener sign-in {
    path = sign-in
    mode = 0666
  }
}
# A refused sign-in would slow every later one of the same address, wrong or right, by up to 15 s.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;
}

function pop3(ports: MailPorts): string {
  return `service pop3-login {
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
protocol pop3 {
  pop3_lock_session = yes
}
`;
}

function signIn(folder: string, tokens: boolean): string {
  const password = `auth_allow_cleartext = no
passdb passwd-file {
  passwd_file_path = ${folder}/users
}
auth_mechanisms {
  plain = yes
  login = yes`;
  if (!tokens) return `${password}\n}`;
  return `oauth2 {
  introspection_mode = local
  username_attribute = email
  oauth2_local_validation {
    dict fs {
      fs posix {
        prefix = ${folder}/keys/
      }
    }
  }
}
passdb oauth2 {
  mechanisms_filter = xoauth2 oauthbearer
}
${password}
  xoauth2 = yes
  oauthbearer = yes
}`;
}
