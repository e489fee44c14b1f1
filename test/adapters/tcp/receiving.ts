import tcpIn from '../../../adapters/tcp/tcp-in.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from '../../support/open-adapter.ts';
import { type RawClient, rawClient } from '../../support/raw-client.ts';

type Given = Readonly<Record<string, unknown>>;

export const STX_ETX = { framing: 'marks', startMark: 'STX', endMark: 'ETX' };

/** A listener on a free port. */
export const receiving = (given: Given = {}, options?: OpenOptions): Promise<OpenedInbound> =>
  openInbound(tcpIn, { listen: '127.0.0.1:0', ...given }, options);

export const connected = (opened: OpenedInbound): Promise<RawClient> => rawClient(portOf(opened));

export const bodies = ({ delivered }: OpenedInbound): string[] =>
  delivered.map(({ body }) => body.toString('latin1'));
