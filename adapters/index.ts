import type { InboundAdapter, OutboundAdapter } from 'waybill/adapter';

/** Every adapter that ships with Waybill: the only list. A production may name a file of its own besides. */
export const adapters: readonly (InboundAdapter | OutboundAdapter)[] = [];
