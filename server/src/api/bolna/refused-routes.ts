import type { Api } from '../api-server.ts';
import { BolnaError, bolnaErrors } from './bolna-errors.ts';

const BATCHES =
  'batches are not there yet; place the calls one by one by POST /call, with scheduled_at and retry_config';
const KNOWLEDGE =
  'knowledge bases are not there yet; put what the agent must know into its system_prompt';
const VIOLATIONS =
  'violations are reports that Bolna’s telephone carriers send for numbers rented from Bolna; yours go to you directly';

type Refusal = readonly [
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  operationId: string,
  why: string,
];

/** What Bolna has and we do not, each with what to do instead. */
const REFUSALS: readonly Refusal[] = [
  ['POST', '/batches', 'createBolnaBatch', BATCHES],
  ['GET', '/batches/:id/all', 'listBolnaBatches', BATCHES],
  ['GET', '/batches/:id', 'getBolnaBatch', BATCHES],
  ['DELETE', '/batches/:id', 'deleteBolnaBatch', BATCHES],
  ['GET', '/batches/:id/executions', 'listBolnaBatchExecutions', BATCHES],
  ['POST', '/batches/:id/schedule', 'scheduleBolnaBatch', BATCHES],
  ['POST', '/batches/:id/stop', 'stopBolnaBatch', BATCHES],
  ['POST', '/knowledgebase', 'createBolnaKnowledgebase', KNOWLEDGE],
  ['GET', '/knowledgebase/all', 'listBolnaKnowledgebases', KNOWLEDGE],
  ['GET', '/knowledgebase/:id', 'getBolnaKnowledgebase', KNOWLEDGE],
  ['DELETE', '/knowledgebase/:id', 'deleteBolnaKnowledgebase', KNOWLEDGE],
  ['GET', '/violations/list', 'listBolnaViolations', VIOLATIONS],
  ['POST', '/violations/submit', 'submitBolnaViolation', VIOLATIONS],
];

export function bolnaRefusedRoutes(api: Api): void {
  for (const [method, url, operationId, why] of REFUSALS) {
    api.route({
      method,
      url,
      schema: {
        tags: ['bolna'],
        operationId,
        summary: 'Not there: the answer says what to do instead',
        response: bolnaErrors(501),
      },
      handler: () => {
        throw new BolnaError(501, why);
      },
    });
  }
}
