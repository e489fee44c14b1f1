import { afterAll, beforeAll, describe } from 'vitest';
import imapIn from '../../../adapters/imap/imap-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { hasMailServers, type MailServer, mailServer, USERS } from '../../support/mail-server.ts';
import { mailbox, mailWith } from '../../support/mailbox.ts';

const BOB = 'bob@lab.example';

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let server: MailServer;
  beforeAll(async () => {
    server = await mailServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function peer(): Promise<InboundPeer> {
    const box = await mailbox(server, BOB);
    const proxy = await cuttingProxy(server.ports.imaps);
    const archive = `${box.folder}-taken`;
    return {
      given: {
        connect: `localhost:${proxy.port}`,
        tls: { trust: server.trust },
        credential: 'mailbox',
        folder: box.folder,
        archive,
        every: '50ms',
        connectTimeout: '2s',
      },
      options: { credentials: { mailbox: { kind: 'basic', user: BOB, password: USERS[BOB] } } },
      async offer(body) {
        const messageId = `<${Math.random()}@lab.example>`;
        await box.put(
          await mailWith({ messageId, attachments: [{ filename: 'r.hl7', content: body }] }),
        );
        return {
          async standing() {
            const taken = await box.look(archive);
            return taken.some(({ raw }) => raw.includes(messageId)) ? 'taken' : 'waiting';
          },
        };
      },
      breakDown: async () => proxy[Symbol.asyncDispose](),
      async [Symbol.asyncDispose]() {
        await box[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }

  describeInbound(imapIn, { peer });
});
