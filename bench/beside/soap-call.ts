export const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';

/** An envelope around a body. */
export const around = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="${ENVELOPE}"><soap:Body>${body}</soap:Body></soap:Envelope>`;

const results = Array.from(
  { length: 12 },
  (_, n) =>
    `<result code="${718 + n}-7" unit="g/L"><value>${n * 3.5}</value><at>2026</at></result>`,
);

/** The body of a call of 1 KB. */
export const ORDER = `<o:submit xmlns:o="urn:orders"><o:number>4711</o:number>${results.join('')}</o:submit>`;
