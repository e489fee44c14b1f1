import { expect, test } from 'vitest';
import { xmlDocument } from '../../../src/document/xml/xml-document.ts';
import { xpathExpression } from '../../../src/document/xml/xpath-expression.ts';
import { pathProblem } from '../../../src/expression/path-problem.ts';

/** As C-CDA has them: made up, with a section whose entries are optional and one whose entries are required. */
const DOCUMENT = xmlDocument(
  Buffer.from(`<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/>
<component><structuredBody>
<component><section><templateId root="2.16.840.1.113883.10.20.22.2.6"/><title>Allergies</title>
  <entry><act><templateId root="2.16.840.1.113883.10.20.22.4.30"/><entryRelationship>
    <observation><templateId root="2.16.840.1.113883.10.20.22.4.7"/><value code="419511003"/></observation></entryRelationship></act></entry></section></component>
<component><section><templateId root="2.16.840.1.113883.10.20.22.2.3"/><templateId root="2.16.840.1.113883.10.20.22.2.3.1" extension="2015-08-01"/><title>Results</title>
  <entry><organizer><templateId root="2.16.840.1.113883.10.20.22.4.1"/>
    <component><observation><templateId root="2.16.840.1.113883.10.20.22.4.2"/><code code="2345-7"/><value value="5.4" unit="mmol/L"/></observation></component>
    <component><observation><templateId root="2.16.840.1.113883.10.20.22.4.2"/><code code="718-7"/><value value="8.1" unit="mmol/L"/></observation></component>
    <component><observation><templateId root="1.2.3.4"/><code code="own"/></observation></component></organizer></entry></section></component>
</structuredBody></component></ClinicalDocument>`),
);

test.for([
  ['//section[template("Results Section")]/title', 'Results'],
  ["//section[template('allergies and intolerances section')]/title", 'Allergies'],
  [
    '//section[template("Allergies and Intolerances Section")]//observation[template("Allergy - Intolerance Observation")]/value/@code',
    '419511003',
  ],
  ['//observation[template("Result Observation")][2]/code/@code', ''],
  ['(//observation[template("Result Observation")])[2]/code/@code', '718-7'],
  ['count(//observation[template("Result Observation")])', '2'],
  ['//observation[template("1.2.3.4")]/code/@code', 'own'],
  [
    '/ClinicalDocument[template("Continuity of Care Document (CCD)")]/templateId/@extension',
    '2015-08-01',
  ],
  ['count(//section[not(template("Results Section"))])', '1'],
  ['count(//@root[template("Results Section")])', '0'],
] as const)('%s reads %j', ([path, value]) => {
  expect(DOCUMENT.get(path)).toBe(value);
});

test.for([
  [
    '//section[template("Result Section")]',
    'has no template "Result Section"; the nearest is "Results Section"',
  ],
  ['//section[template("Befunde der Pathologie im Hause")]', 'write its object identifier'],
  ['//section[template(@root)]', 'template() takes the title of a template, as a text'],
  ['//section[template("Results Section", 1)]', 'position'],
] as const)('%s is refused before there is a message', ([path, problem]) => {
  expect(() => xpathExpression(path)).toThrow(problem);
  expect(pathProblem(path)).toContain(problem);
});

test('elements named template are elements', () => {
  const document = xmlDocument(Buffer.from('<r><template>a</template></r>'));
  expect(document.get('/r/template')).toBe('a');
});
