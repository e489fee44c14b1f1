import { vi } from 'vitest';
import astmIn from '../../../adapters/astm/astm-in.ts';
import { type AstmSide, astmDevice } from '../../support/astm-device.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from '../../support/open-adapter.ts';

type Given = Readonly<Record<string, unknown>>;

/** A listener on a free port. */
export const receiving = (given: Given = {}, options?: OpenOptions): Promise<OpenedInbound> =>
  openInbound(astmIn, { listen: '127.0.0.1:0', ...given }, options);

export const connected = (opened: OpenedInbound): Promise<AstmSide> => astmDevice(portOf(opened));

export const bodies = ({ delivered }: OpenedInbound): string[] =>
  delivered.map(({ body }) => body.toString('latin1'));

/** Says something to the listener and gives what it answers, sign by sign. */
export async function answersTo(device: AstmSide, ...texts_: readonly string[]): Promise<string[]> {
  const signs: string[] = [];
  for (const text of texts_) {
    device.write(text);
    if (text !== '\x04') signs.push(NAMES.get(await device.said()) ?? 'closed');
  }
  return signs;
}

const NAMES = new Map([
  ['\x05', 'ENQ'],
  ['\x06', 'ACK'],
  ['\x15', 'NAK'],
  ['\x04', 'EOT'],
]);

/** Resolves once a condition holds. */
export const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 });
