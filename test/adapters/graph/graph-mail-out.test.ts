import graphMailOut from '../../../adapters/graph/graph-mail-out.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { type CuttingProxy, cuttingProxy } from '../../support/cutting-proxy.ts';
import { graphLab, WARD } from '../../support/graph-lab.ts';

async function peer(): Promise<OutboundPeer> {
  const lab = await graphLab();
  const target = Number(new URL(lab.graph.url).port);
  let proxy: CuttingProxy = await cuttingProxy(target);
  const { port } = proxy;
  const down = () => proxy[Symbol.asyncDispose]();
  return {
    given: { ...lab.given, url: `https://localhost:${port}/v1.0`, to: WARD },
    options: { credentials: { graph: lab.credential } },
    received: () =>
      lab.graph
        .mailbox(WARD)
        .messages('inbox')
        .map(({ attachments }) => attachments[0]?.content ?? Buffer.alloc(0)),
    hold: () => lab.graph.faults(/send$/).always({ kind: 'slow', delay: 400 }),
    release: () => lab.graph.faults(/send$/).clear(),
    refuse(how) {
      const code = how === 'temporary' ? 'ErrorMailboxStoreUnavailable' : 'ErrorInvalidRecipients';
      const status = how === 'temporary' ? 503 : 400;
      lab.graph.faults(/send$/).always({
        kind: 'answer',
        status,
        body: { error: { code, message: 'no' } },
        headers: { 'retry-after': '30' },
      });
    },
    breakDown: async () => down(),
    async repair() {
      proxy = await cuttingProxy(target, port);
    },
    async [Symbol.asyncDispose]() {
      await down();
      await lab[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(graphMailOut, {
  peer,
  refusals: { temporary: { throws: 'ADAPTER_TEMPORARY' }, final: { throws: 'ADAPTER_REJECTED' } },
});
