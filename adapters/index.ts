import type { InboundAdapter, OutboundAdapter } from 'waybill/adapter';
import fileIn from './file/file-in.ts';
import fileOut from './file/file-out.ts';
import httpOut from './http/http-out.ts';
import mllpIn from './mllp/mllp-in.ts';
import mllpOut from './mllp/mllp-out.ts';

/** Every adapter that ships with Waybill: the only list. A production may name a file of its own besides. */
export const adapters: readonly (InboundAdapter | OutboundAdapter)[] = [
  fileIn,
  fileOut,
  httpOut,
  mllpIn,
  mllpOut,
];
