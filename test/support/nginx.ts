import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { Certificates } from './certificates.ts';

const PROGRAM = '/usr/sbin/nginx';

/** Whether Debian's nginx is on this machine. */
export const hasNginx: boolean = existsSync(PROGRAM);

export interface Nginx extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string;
  /** The same, but requiring a client certificate for every request (`ssl_verify_client on`). */
  readonly strictUrl: string;
}

/**
 * Starts nginx on loopback over TLS. `/mutual` requires a client certificate of the test authority,
 * `/moved` redirects to it, and everything else is passed to `upstream` unbuffered.
 */
export async function nginx(files: Certificates, upstream: string): Promise<Nginx> {
  const port = await freePort();
  const strictPort = await freePort();
  const path = join(files.folder, 'nginx');
  await mkdir(path, { recursive: true });
  await files.file('nginx.crt', files.server.certificate);
  await files.file('nginx.key', files.server.key);
  await writeFile(
    join(path, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${path}/pid; error_log ${path}/error.log;
events { worker_connections 256; }
http {
  access_log off; client_max_body_size 0;
  client_body_temp_path ${path}/body; proxy_temp_path ${path}/proxy; fastcgi_temp_path ${path}/fastcgi;
  uwsgi_temp_path ${path}/uwsgi; scgi_temp_path ${path}/scgi;
  server {
    listen 127.0.0.1:${port} ssl; server_name localhost;
    ssl_certificate ${files.folder}/nginx.crt; ssl_certificate_key ${files.folder}/nginx.key;
    ssl_client_certificate ${files.trust}; ssl_verify_client optional;
    location /mutual { if ($ssl_client_verify != SUCCESS) { return 403; } return 200 $ssl_client_s_dn; }
    location /moved { return 308 /mutual; }
    location / {
      proxy_pass ${upstream}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off; proxy_buffering off;
    }
  }
  server {
    listen 127.0.0.1:${strictPort} ssl; server_name localhost;
    ssl_certificate ${files.folder}/nginx.crt; ssl_certificate_key ${files.folder}/nginx.key;
    ssl_client_certificate ${files.trust}; ssl_verify_client on;
    location / { return 200 $ssl_client_s_dn; }
  }
}
`,
  );
  const args = ['-p', path, '-c', join(path, 'nginx.conf')];
  const daemon = await startDaemon({ program: PROGRAM, args, log: join(path, 'out.log'), port });
  const url = `https://localhost:${port}`;
  const strictUrl = `https://localhost:${strictPort}`;
  return { url, strictUrl, [Symbol.asyncDispose]: () => daemon.stop() };
}
