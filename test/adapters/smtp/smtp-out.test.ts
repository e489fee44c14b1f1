import { simpleParser } from 'mailparser';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { certificates } from '../../support/certificates.ts';
import { smtpPeer } from '../../support/smtp-peer.ts';

async function peer(): Promise<OutboundPeer> {
  const files = await certificates();
  const server = await smtpPeer({
    security: 'starttls',
    certificate: files.server,
    users: { 'hub@hospital.example': SECRET_MARKER },
  });
  return {
    given: {
      connect: `localhost:${server.port}`,
      tls: { trust: files.trust },
      credential: 'mailer',
      from: 'Hub <hub@hospital.example>',
      to: 'registrar@hospital.example',
      connectTimeout: '2s',
    },
    options: {
      credentials: {
        mailer: { kind: 'basic', user: 'hub@hospital.example', password: SECRET_MARKER },
      },
    },
    async received() {
      const mails = await Promise.all(server.mails.map(({ raw }) => simpleParser(raw)));
      return mails.map(({ attachments }) => attachments[0]?.content ?? Buffer.alloc(0));
    },
    hold: () => server.hold(),
    release: () => server.release(),
    refuse(how) {
      server.refusals.set('*', how === 'temporary' ? 450 : 550);
    },
    breakDown: () => server.stop(),
    repair: () => server.start(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(smtpOut, {
  peer,
  refusals: { temporary: { throws: 'ADAPTER_TEMPORARY' }, final: { throws: 'ADAPTER_REJECTED' } },
});
