/** The text of whatever a script returns: the value of XML, the JavaScript string of anything else. */
export const plainTextOf: (value: unknown) => string = String;

/** A message that nothing is done to: the line ends of HL7 are made its own. */
export const keptText = (type: string, body: string): string =>
  type === 'HL7V2' && body.includes('\n') ? body.replaceAll(/\r\n?|\n/g, '\r') : body;
