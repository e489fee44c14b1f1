import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface ConsoleProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port/waybill/` */
  readonly url: string;
}

/** The rule from docs/operations.md, for these operator planes. */
function documentedRule(language: 'nginx' | 'apache', upstream: string): string {
  const page = readFileSync('docs/operations.md', 'utf8');
  const rule = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1];
  if (rule === undefined) throw new Error(`docs/operations.md has no rule for ${language}`);
  return rule.replace('http://127.0.0.1:8080/', upstream);
}

/** nginx with the documented rule, in front of one operator plane or, in turn, of several. */
export async function nginxConsole(consoles: readonly string[]): Promise<ConsoleProxy> {
  const folder = await temporaryFolder('nginx');
  const { path } = folder;
  const port = await freePort();
  const servers = consoles.map((url) => `server ${new URL(url).host} max_fails=1 fail_timeout=5s;`);
  await writeFile(
    join(path, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${path}/pid; error_log ${path}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${path}/body; proxy_temp_path ${path}/proxy; fastcgi_temp_path ${path}/fastcgi;
  uwsgi_temp_path ${path}/uwsgi; scgi_temp_path ${path}/scgi;
  upstream consoles { ${servers.join(' ')} }
  server {
    listen 127.0.0.1:${port}; server_name localhost;
    ${documentedRule('nginx', 'http://consoles/')}
  }
}
`,
  );
  const daemon = await startDaemon({
    program: '/usr/sbin/nginx',
    args: ['-p', path, '-c', join(path, 'nginx.conf')],
    log: join(path, 'out.log'),
    port,
  });
  return {
    url: `http://127.0.0.1:${port}/waybill/`,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const MODULES = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers'];

/** Apache with the documented rule. */
export async function apacheConsole(console: string): Promise<ConsoleProxy> {
  const folder = await temporaryFolder('apache');
  const { path } = folder;
  const port = await freePort();
  // its workers run as another user
  await chmod(path, 0o755);
  await mkdir(join(path, 'logs'));
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
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
${documentedRule('apache', console)}
`,
  );
  const daemon = await startDaemon({
    program: '/usr/sbin/apache2',
    args: ['-f', join(path, 'httpd.conf'), '-DFOREGROUND'],
    log: join(path, 'out.log'),
    port,
  });
  return {
    url: `http://127.0.0.1:${port}/waybill/`,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
