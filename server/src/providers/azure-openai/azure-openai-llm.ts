import type { LlmProvider } from '../llm.ts';
import { endpointUrl } from '../net/endpoint-url.ts';
import { createOpenAiLlm, type OpenAiLlmOptions } from '../openai/openai-llm.ts';

const NAME = 'azure-openai';
const PATH = '/openai/v1';

/**
 * Azure OpenAI's v1 API, which is OpenAI's with another address; the model is the name of a
 * deployment. A `baseUrl` without a path, `https://my-resource.openai.azure.com` say, gets `/openai/v1`.
 */
export function createAzureOpenAiLlm(options: OpenAiLlmOptions): LlmProvider {
  const { baseUrl, apiKey } = options;
  const hasPath = (URL.parse(baseUrl)?.pathname ?? '/') !== '/';
  return createOpenAiLlm({
    ...options,
    name: NAME,
    baseUrl: hasPath ? baseUrl : endpointUrl(baseUrl, PATH),
    headers: { 'api-key': apiKey },
    hasNewNames: true,
  });
}
