export const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';
export const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';

/** An answer as a web server of a test gives it. */
export function soapAnswer(
  payload: string,
  { version = '1.1', headers = '' }: { version?: '1.1' | '1.2'; headers?: string } = {},
): { readonly headers: Record<string, string>; readonly body: string } {
  const [namespace, type] =
    version === '1.1' ? [SOAP_11, 'text/xml'] : [SOAP_12, 'application/soap+xml'];
  return {
    headers: { 'content-type': `${type}; charset=utf-8` },
    body: `<?xml version="1.0"?><S:Envelope xmlns:S="${namespace}"><S:Header>${headers}</S:Header><S:Body>${payload}</S:Body></S:Envelope>`,
  };
}

/** A fault as a web server of a test gives it, with status 500. */
export function soapFault(
  code: string,
  reason: string,
  { version = '1.1', detail = '' }: { version?: '1.1' | '1.2'; detail?: string } = {},
): { readonly status: number; readonly headers: Record<string, string>; readonly body: string } {
  const [first, ...more] = code.split(' ');
  const subcode = more.reduceRight(
    (inner, one) => `<S:Subcode><S:Value>${one}</S:Value>${inner}</S:Subcode>`,
    '',
  );
  const fault =
    version === '1.1'
      ? `<S:Fault><faultcode>${code}</faultcode><faultstring>${reason}</faultstring>${detail === '' ? '' : `<detail>${detail}</detail>`}</S:Fault>`
      : `<S:Fault><S:Code><S:Value>${first}</S:Value>${subcode}</S:Code><S:Reason><S:Text xml:lang="de">nein</S:Text><S:Text xml:lang="en">${reason}</S:Text></S:Reason>${detail === '' ? '' : `<S:Detail>${detail}</S:Detail>`}</S:Fault>`;
  return { status: 500, ...soapAnswer(fault, { version }) };
}
