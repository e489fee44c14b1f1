import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { dirname } from 'node:path';
import { Server as TlsServer } from 'node:tls';
import { background } from '../error/background.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { Logger } from '../log/logger.ts';

/** PEM files of the console's own certificate. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface ServerTls {
  readonly options: { readonly cert: Buffer; readonly key: Buffer; readonly minVersion: 'TLSv1.2' };
  /** From then on the server adopts renewed certificates by itself. */
  follow(server: HttpServer | TlsServer): void;
  close(): void;
}

/** Milliseconds after a change until the files are read: certificate and key are written one after the other. */
const SETTLE = 500;

/** Reads the certificate and watches its files, so that a renewal needs no restart. A broken renewal is logged and the old one stays. */
export async function serverTls(files: TlsFiles, log: Logger): Promise<ServerTls> {
  const options = await read(files);
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  return {
    options,
    follow(server) {
      if (!(server instanceof TlsServer)) return;
      const renew = async (): Promise<void> => {
        try {
          server.setSecureContext(await read(files));
          log.info({ event: 'console-certificate-renewed' }, 'console-certificate-renewed');
        } catch (error) {
          log.error(
            { event: 'console-certificate-broken', err: error },
            'console-certificate-broken',
          );
        }
      };
      const folders = new Set([dirname(files.certificate), dirname(files.key)]);
      for (const folder of folders) {
        watchers.push(
          watch(folder, () => {
            clearTimeout(timer);
            timer = setTimeout(
              () => background(renew(), 'renewing the certificate of the console'),
              SETTLE,
            );
          }),
        );
      }
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

async function read({ certificate, key }: TlsFiles): Promise<ServerTls['options']> {
  try {
    return {
      cert: await readFile(certificate),
      key: await readFile(key),
      minVersion: 'TLSv1.2',
    };
  } catch (error) {
    throw new EngineError(
      'CREDENTIAL_MISSING',
      `the console's certificate cannot be read: ${describeError(error).text}`,
    );
  }
}
