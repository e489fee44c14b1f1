import graphMailIn from '../../../adapters/graph/graph-mail-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { graphLab, HUB } from '../../support/graph-lab.ts';
import { mailWith } from '../../support/mailbox.ts';

async function peer(): Promise<InboundPeer> {
  const lab = await graphLab({ roles: ['Mail.ReadWrite'] });
  const proxy = await cuttingProxy(Number(new URL(lab.graph.url).port));
  const box = lab.graph.mailbox(HUB);
  return {
    given: {
      ...lab.given,
      url: `https://localhost:${proxy.port}/v1.0`,
      every: '30ms',
      afterwards: 'delete',
    },
    options: { credentials: { graph: lab.credential } },
    async offer(body) {
      const messageId = `<${Math.random()}@lab.example>`;
      await lab.graph.receive(
        HUB,
        await mailWith({ messageId, attachments: [{ filename: 'r.hl7', content: body }] }),
      );
      return {
        standing: () =>
          box.messages('inbox').some((one) => one.internetMessageId === messageId)
            ? 'waiting'
            : 'taken',
      };
    },
    breakDown: async () => proxy[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

describeInbound(graphMailIn, { peer });
