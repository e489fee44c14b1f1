import { EngineError } from '../error/engine-error.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port` of a command line. */
export function readAddress(text: string): ListenAddress {
  const found = /^(\[[^\]]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(found?.[2]);
  if (found === null || port > 65_535) {
    throw new EngineError(
      'CONFIG_INVALID',
      `${text} is not an address; write host:port, such as 127.0.0.1:8080`,
    );
  }
  return { host: (found[1] ?? '').replace(/^\[|\]$/g, ''), port };
}
