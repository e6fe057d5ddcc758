// A small model on one core behind the chat wire, for `bench/lab_real.py`: node-llama-cpp, the likeliest word each time.
// What a prompt has in common with the one before it at the beginning is not computed again. Speaks ChatML, as SmolLM2 and
// Qwen do. Run in the folder where node-llama-cpp is installed: node model_server.mjs MODEL.gguf; prints its port.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const CONTEXT = 2048;
const here = createRequire(pathToFileURL(`${process.cwd()}/`));
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(here.resolve("node-llama-cpp")).href);
const llama = await getLlama({ build: "never", gpu: false, maxThreads: 1, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: process.argv[2] });
const context = await model.createContext({ contextSize: CONTEXT, threads: 1 });
const sequence = context.getSequence();
let last = Promise.resolve();

async function answer({ messages, max_tokens: most = 64 }) {
  const told = messages.map((each) => `<|im_start|>${each.role}\n${each.content}<|im_end|>\n`).join("");
  const tokens = model.tokenize(`${told}<|im_start|>assistant\n`, true);
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  const said = [];
  for await (const token of sequence.evaluate(tokens.slice(sequence.nextTokenIndex), { temperature: 0 })) {
    if (model.isEogToken(token)) break;
    said.push(token);
    if (said.length >= most) break;
  }
  const usage = { prompt_tokens: tokens.length, completion_tokens: Math.max(1, said.length) };
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  const message = { role: "assistant", content: model.detokenize(said).trim() };
  return { object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage };
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

const server = createServer(async (request, response) => {
  let status = 200;
  let found;
  try {
    const asked = await body(request);
    const mine = last.then(() => answer(asked));
    last = mine.catch(() => undefined);
    found = { id: "chatcmpl-1", created: Math.floor(Date.now() / 1000), model: asked.model, ...(await mine) };
  } catch (error) {
    status = 500;
    found = { error: { message: String(error), type: "server_error" } };
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(found));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
