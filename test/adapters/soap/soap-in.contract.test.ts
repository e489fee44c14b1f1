import soapIn from '../../../adapters/soap/soap-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { BODY_MARKER, SECRET_MARKER } from '../../contract/marker.ts';
import { SOAP_11 } from '../../support/soap-envelope.ts';
import { webCaller } from '../../support/web-caller.ts';
import { WSSE } from '../../support/xmlsec.ts';

const TOKEN = `<w:Security xmlns:w="${WSSE}"><w:UsernameToken><w:Username>hub</w:Username><w:Password>${SECRET_MARKER}</w:Password></w:UsernameToken></w:Security>`;

describeInbound(soapIn, {
  // a caller with a UsernameToken
  peer: () =>
    webCaller({
      settings: { security: { users: ['hub'] } },
      credentials: { hub: { kind: 'basic', user: 'hub', password: SECRET_MARKER } },
      path: '/orders',
      headers: { 'content-type': 'text/xml' },
      body: (offered) =>
        `<S:Envelope xmlns:S="${SOAP_11}"><S:Header>${TOKEN}</S:Header><S:Body>${String(offered)}</S:Body></S:Envelope>`,
      stored: 200,
    }),
  body: (id) => Buffer.from(`<order id="${id}">${BODY_MARKER}</order>`),
});
