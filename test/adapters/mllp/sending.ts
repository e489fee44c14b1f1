import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import type { MllpPeer } from '../../support/mllp-peer.ts';
import { type OpenedOutbound, type OpenOptions, openOutbound } from '../../support/open-adapter.ts';
import { adt } from './listening.ts';

/** A sender that is connected to the peer. */
export const open = (
  peer: MllpPeer,
  given: Readonly<Record<string, unknown>> = {},
  options?: OpenOptions,
): Promise<OpenedOutbound> =>
  openOutbound(mllpOut, { connect: `127.0.0.1:${peer.port}`, ...given }, options);

/** An admission with this control id. */
export const body = (controlId: string): Buffer => Buffer.from(adt(controlId));
