/** A whole number from 0 to below `count`. */
export type Any = (count: number) => number;

function head(control: string, mrn: string, event: string, any: Any): string[] {
  const name = `NAME${any(30_000)}^FIRST${any(2_000)}^Q`;
  return [
    `MSH|^~\\&|EPIC|MAIN CAMPUS|WAYBILL|HUB|20261124120000||${event}|${control}|P|2.5.1|||AL|NE|||UNICODE UTF-8`,
    `EVN|${event.slice(4, 7)}|20261124120000|||OPERATOR${any(300)}^SURNAME^GIVEN^^^^^^MAIN`,
    `PID|1||${mrn}^^^MAIN^MR~${any(1e9)}^^^SSA^SS||${name}||19${any(89) + 10}0101|F|||${any(9_999)} LONG STREET^APT ${any(99)}^SPRINGFIELD^OH^4${any(9_999)}^US||(555)555-${any(9_999)}|||M||A${any(1e8)}|||||||||||N`,
    `PV1|1|I|W${any(40)}^${any(400)}^1^MAIN||||${any(1e5)}^ATTENDING^ANNA^^^DR^MD|||MED||||1|||${any(1e5)}^ADMITTING^ADAM|IP|V${any(1e8)}|||||||||||||||||||||||||20261123080000`,
  ];
}

/** An ADT^A08 of about 1.1 KB. */
export function adt(control: string, mrn: string, any: Any): string {
  const insurance = [1, 2].map(
    (number) =>
      `IN1|${number}|PLAN${any(200)}|${any(1e5)}|INSURANCE COMPANY ${any(99)}|1 INSURANCE PLAZA^^COLUMBUS^OH^43215||(800)555-${any(9_999)}|GROUP${any(1e4)}||||20200101||||SELF`,
  );
  return [...head(control, mrn, 'ADT^A08^ADT_A01', any), ...insurance, ''].join('\r');
}

/** An ORU^R01 of about 1.3 KB with eight results. */
export function oru(control: string, mrn: string, any: Any): string {
  const results = Array.from(
    { length: 8 },
    (_, number) =>
      `OBX|${number + 1}|NM|${any(9_999)}-${number}^ANALYTE ${any(600)}^LN||${any(500)}.${any(10)}|mg/dL|10-200|N|||F|||20261124110000`,
  );
  return [
    ...head(control, mrn, 'ORU^R01^ORU_R01', any),
    `ORC|RE|O${any(1e8)}|F${any(1e8)}|||||||||${any(1e5)}^ORDERING^OLGA`,
    `OBR|1|O${any(1e8)}|F${any(1e8)}|80053^COMPREHENSIVE METABOLIC PANEL^CPT|||20261124100000`,
    ...results,
    '',
  ].join('\r');
}
