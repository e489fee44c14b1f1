import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { serverAccount } from './postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SERVER = '/usr/sbin/pgbouncer';

export const hasPgBouncer = existsSync(SERVER);

/** A PgBouncer in front of a PostgreSQL, on a free port; `lines` are more of its settings. */
export async function pgBouncer(
  before: string,
  lines: readonly string[],
): Promise<{ readonly url: string } & AsyncDisposable> {
  const { hostname, port: behind, username, password } = new URL(before);
  const folder = await temporaryFolder('pgbouncer');
  const port = await freePort();
  const [users, settings] = ['users', 'pgbouncer.ini'].map((name) => join(folder.path, name));
  await writeFile(users ?? '', `"${username}" "${password}"\n`);
  await writeFile(
    settings ?? '',
    `[databases]
* = host=${hostname} port=${behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
${lines.join('\n')}
`,
  );
  const account = await serverAccount();
  if (account !== undefined) {
    for (const path of [folder.path, users, settings])
      await chown(path ?? '', account.uid, account.gid);
  }
  const server = spawn(SERVER, ['-q', settings ?? ''], { stdio: 'ignore', ...account });
  await vi.waitFor(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }, 10_000);
  const url = new URL(before);
  url.port = String(port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}
