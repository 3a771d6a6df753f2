/* SPDX-License-Identifier: Apache-2.0
 * core/bench/sentences.h - sentences of usual lengths, for when no text is given.
 */
#ifndef TN_BENCH_SENTENCES_H
#define TN_BENCH_SENTENCES_H

static const char *const bench_sentences[] = {
	"The ferry to the island leaves at seven in the morning.",
	"Good coffee, slow service.",
	"Ada Keller moved from Lisbon to Oslo in the spring and opened a small bookshop near the "
	"harbour, where she still works.",
	"It rained all week.",
	"The committee will meet again on Thursday to decide whether the old bridge can be repaired "
	"or has to be replaced before winter.",
	"I would not buy this camera again.",
	"Prices rose by two per cent in March, a little less than most banks had expected.",
	"Please send the signed copy to our office in Vienna.",
	"What a wonderful film!",
	"The lighthouse was built in 1862 from granite that had been quarried on the other side of "
	"the bay, and for more than ninety years its keepers lived there with their families, grew "
	"potatoes between the rocks and rowed to the village once a week for bread, letters and "
	"oil.",
	"She plays the violin and he repairs clocks.",
	"Nothing in the report explains why the second pump failed.",
	"Turn left at the mill, follow the river for two miles, and you will see the house.",
	"The new timetable is easier to read, but trains are still late.",
	"No.",
	"After the storm, volunteers from three towns cleared the road, carried blankets to the "
	"school and cooked soup for everyone who could not go home that night.",
	"The battery lasts a day at most.",
	"Maria Lindgren won the race in under four minutes.",
	"They said the museum would be closed until further notice because water had come through "
	"the roof of the east wing.",
	"My order arrived with one cup broken and nobody answered my letters.",
	"The bank of the river is steep here.",
	"Its author, a retired surveyor, drew every map in the book by hand.",
	"We asked for a quiet room and were given one above the kitchen, next to the lift, with a "
	"window that did not close.",
	"Ten of the twelve samples were clean.",
	"In the end the council voted for the cheaper plan, although the engineers had warned that "
	"it would have to be done again within ten years, and although the difference was smaller "
	"than what the town spends on flowers.",
	"Thank you, that was kind.",
	"The wheat harvest in the north was the best since 1998.",
	"Can you tell me when the next bus goes to the station?",
	"A fine, patient, funny story that deserves many readers.",
	"The company opened offices in Madrid, Prague and Seoul and now employs four thousand "
	"people.",
	"Doctors advise rest and plenty of water.",
	"He never found out who had written the letter.",
};
#define BENCH_N_SENTENCES (sizeof(bench_sentences) / sizeof(bench_sentences[0]))

#endif
