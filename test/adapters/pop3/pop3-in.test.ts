import { afterAll, beforeAll, describe } from 'vitest';
import pop3In from '../../../adapters/pop3/pop3-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { mailWith } from '../../support/mailbox.ts';
import { hasPop3, type Pop3Lab, pop3Lab } from '../../support/pop3-lab.ts';

describe.runIf(await hasPop3())('with Dovecot', () => {
  let lab: Pop3Lab;
  beforeAll(async () => {
    lab = await pop3Lab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function peer(): Promise<InboundPeer> {
    const box = await lab.box();
    const proxy = await cuttingProxy(lab.server.ports.pop3s);
    const { settings, credentials } = lab.order(box, { connect: `localhost:${proxy.port}` });
    return {
      given: { ...settings, connectTimeout: '2s' },
      options: { credentials },
      async offer(body) {
        const messageId = `<${Math.random()}@lab.example>`;
        const attachments = [{ filename: 'r.hl7', content: body }];
        await box.put(await mailWith({ messageId, attachments }));
        return {
          async standing() {
            const left = await box.look();
            return left.some((raw) => raw.includes(messageId)) ? 'waiting' : 'taken';
          },
        };
      },
      breakDown: async () => proxy[Symbol.asyncDispose](),
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    };
  }

  describeInbound(pop3In, { peer });
});
