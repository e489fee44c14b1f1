/** Synthetic HL7: ADT and ORU alternately, 14 segments and 1.2 KB on average, with unique control ids and patients. */

const FAMILIES = ['DOE', 'MÜLLER', 'GARCIA', 'KOWALSKI', 'NGUYEN', 'SMITH', 'ROSSI', 'LARSEN'];
const WARDS = ['W1', 'W2', 'ICU', 'ONC1', 'SURG', 'PED'];

const pick = <Item>(items: readonly Item[], number: number): Item =>
  items[number % items.length] as Item;

/** The message number `n` of a run; `controlId` is in its acknowledgement and at the receiver. */
export function message(n: number): { readonly controlId: string; readonly bytes: Buffer } {
  const controlId = `B${n}`;
  return {
    controlId,
    bytes: Buffer.from(n % 2 === 0 ? admission(n, controlId) : result(n, controlId)),
  };
}

function head(n: number, controlId: string, event: string): string[] {
  const mrn = 1_000_000 + ((n * 7_919) % 500_000);
  return [
    `MSH|^~\\&|EPIC|MAIN|HUB|WAYBILL|20261125081500||${event}|${controlId}|P|2.5.1|||AL|NE|DE|UNICODE UTF-8`,
    `PID|1||${mrn}^^^MAIN^MR~${mrn + 7}^^^NAT^SS||${pick(FAMILIES, n)}^JOHN^Q^JR||19${40 + (n % 60)}0214|${n % 2 === 0 ? 'M' : 'F'}||2106-3|1 MAIN ST^^SPRINGFIELD^IL^62701||(217)555-01${n % 90}|||M|CAT|V${n}|||||||||||||N`,
    `PV1|1|I|${pick(WARDS, n)}^${n % 40}^${n % 4}^MAIN||||1234^HOUSE^GREGORY^^^DR|5678^WILSON^JAMES^^^DR||MED||||7|||1234^HOUSE^GREGORY^^^DR|IN|V${n}^^^MAIN^VN|||||||||||||||||||||||||20261125080000`,
  ];
}

function admission(n: number, controlId: string): string {
  const event = n % 4 === 0 ? 'ADT^A01^ADT_A01' : 'ADT^A08^ADT_A01';
  return `${[
    ...head(n, controlId, event),
    'EVN|A01|20261125081400|||CLERK^ANNA',
    'PD1|||MAIN CLINIC^^1234|5678^WILSON^JAMES',
    'NK1|1|DOE^JANE|SPO|1 MAIN ST^^SPRINGFIELD^IL^62701|(217)555-0199',
    'NK1|2|DOE^JIM|SON|2 MAIN ST^^SPRINGFIELD^IL^62701|(217)555-0198',
    'OBX|1|NM|29463-7^WEIGHT^LN||72.5|kg|||||F',
    'OBX|2|NM|8302-2^HEIGHT^LN||178|cm|||||F',
    'AL1|1|DA|1545^PENICILLIN^RX|SV|HIVES',
    'DG1|1||I10^HYPERTENSION^I10|||A',
    'GT1|1||DOE^JOHN^Q||1 MAIN ST^^SPRINGFIELD^IL^62701|(217)555-0101',
    'IN1|1|PPO|BCBS|BLUE CROSS|PO BOX 1^^CHICAGO^IL^60601||||GRP55|||20250101|20261231',
    'NTE|1||Admitted from the emergency department; family has been told; bed is ready',
  ].join('\r')}\r`;
}

function result(n: number, controlId: string): string {
  const tests = [
    'GLU^GLUCOSE',
    'NA^SODIUM',
    'K^POTASSIUM',
    'CL^CHLORIDE',
    'CREA^CREATININE',
    'WBC^LEUKOCYTES',
    'HGB^HEMOGLOBIN',
    'PLT^PLATELETS',
  ];
  return `${[
    ...head(n, controlId, 'ORU^R01^ORU_R01'),
    `ORC|RE|O${n}|F${n}||CM||||20261125080500`,
    `OBR|1|O${n}|F${n}|CBC^COMPLETE BLOOD COUNT^L|||20261125075500|||||||||1234^HOUSE^GREGORY||||||20261125081000||LAB|F`,
    ...tests.map(
      (test, index) =>
        `OBX|${index + 1}|NM|${test}^L||${4 + ((n + index) % 90)}.${index}|mmol/L|3.5-5.1|N|||F|||20261125081000`,
    ),
    'NTE|1||Specimen slightly hemolyzed; results verified by repeat analysis',
  ].join('\r')}\r`;
}
