BEGIN TRANSACTION;
CREATE TABLE dse_candidates (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	"index" INTEGER NOT NULL, 
	hash VARCHAR NOT NULL, 
	architecture JSON NOT NULL, 
	flops BIGINT NOT NULL, 
	params BIGINT NOT NULL, 
	activations BIGINT NOT NULL, 
	CONSTRAINT pk_dse_candidates PRIMARY KEY (id), 
	CONSTRAINT uq_dse_candidates_study_id_index UNIQUE (study_id, "index"), 
	CONSTRAINT fk_dse_candidates_study_id FOREIGN KEY(study_id) REFERENCES dse_studies (id) ON DELETE CASCADE
);
INSERT INTO "dse_candidates" VALUES(1,1,0,'1c2aadf0ec23','{"depths": [2, 3, 6, 4], "dims": [136, 240, 400, 632], "kernel_sizes": [7, 7, 7, 7], "expansion_ratio": 4.0, "block_order": "spatial_first", "groups": null, "group_width": null, "norm_layer": "layer_norm", "act_layer": "gelu", "norms_per_block": 1, "acts_per_block": 1, "grn": false, "pointwise": "conv", "bias": null, "stem": "patch", "patch_size": 4, "stem_width": null, "stem_norm": true, "stem_act": null, "downsampling": "separate", "downsample_norm": true, "shortcut_norm": true, "head_norm": null, "ls_init_value": 1e-06, "drop_path_rate": 0.0}',4490284832,24653048,12795488);
INSERT INTO "dse_candidates" VALUES(2,1,1,'cf2cdbf146a2','{"depths": [2, 4, 11, 2], "dims": [128, 208, 320, 792], "kernel_sizes": [7, 7, 7, 7], "expansion_ratio": 4.0, "block_order": "spatial_first", "groups": null, "group_width": null, "norm_layer": "layer_norm", "act_layer": "gelu", "norms_per_block": 1, "acts_per_block": 1, "grn": false, "pointwise": "linear", "bias": null, "stem": "patch", "patch_size": 4, "stem_width": null, "stem_norm": true, "stem_act": null, "downsampling": "separate", "downsample_norm": true, "shortcut_norm": true, "head_norm": null, "ls_init_value": 1e-06, "drop_path_rate": 0.0}',4479780080,23243392,14002848);
INSERT INTO "dse_candidates" VALUES(3,1,2,'b9f6597b0485','{"depths": [4, 3, 6, 4], "dims": [120, 224, 352, 616], "kernel_sizes": [7, 7, 7, 7], "expansion_ratio": 4.0, "block_order": "spatial_first", "groups": null, "group_width": null, "norm_layer": "layer_norm", "act_layer": "gelu", "norms_per_block": 1, "acts_per_block": 1, "grn": false, "pointwise": "conv", "bias": null, "stem": "patch", "patch_size": 4, "stem_width": null, "stem_norm": true, "stem_act": null, "downsampling": "separate", "downsample_norm": true, "shortcut_norm": true, "head_norm": null, "ls_init_value": 1e-06, "drop_path_rate": 0.0}',4482921184,22004408,16053008);
INSERT INTO "dse_candidates" VALUES(4,1,3,'37573a5a83f4','{"depths": [2, 4, 12, 2], "dims": [128, 200, 320, 776], "kernel_sizes": [7, 7, 7, 7], "expansion_ratio": 4.0, "block_order": "spatial_first", "groups": null, "group_width": null, "norm_layer": "layer_norm", "act_layer": "gelu", "norms_per_block": 1, "acts_per_block": 1, "grn": false, "pointwise": "linear", "bias": null, "stem": "patch", "patch_size": 4, "stem_width": null, "stem_norm": true, "stem_act": null, "downsampling": "separate", "downsample_norm": true, "shortcut_norm": true, "head_norm": null, "ls_init_value": 1e-06, "drop_path_rate": 0.0}',4534316368,23520696,14212176);
INSERT INTO "dse_candidates" VALUES(5,1,-1,'timm:test_convnext','{"reference": "timm:test_convnext"}',1,27000,2);
CREATE TABLE dse_epochs (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	train_loss DOUBLE, 
	error DOUBLE, 
	CONSTRAINT pk_dse_epochs PRIMARY KEY (id), 
	CONSTRAINT uq_dse_epochs_trial_id_epoch UNIQUE (trial_id, epoch), 
	CONSTRAINT fk_dse_epochs_trial_id FOREIGN KEY(trial_id) REFERENCES dse_trials (id) ON DELETE CASCADE
);
INSERT INTO "dse_epochs" VALUES(1,6,1,46,2.5,0.55);
INSERT INTO "dse_epochs" VALUES(2,6,2,92,2.0,0.45);
INSERT INTO "dse_epochs" VALUES(3,6,3,138,1.5,0.35);
INSERT INTO "dse_epochs" VALUES(4,6,4,184,1.0,0.25);
INSERT INTO "dse_epochs" VALUES(5,2,1,46,2.5,0.8);
INSERT INTO "dse_epochs" VALUES(6,2,2,92,2.0,0.7);
INSERT INTO "dse_epochs" VALUES(7,2,3,138,1.5,0.6);
INSERT INTO "dse_epochs" VALUES(8,2,4,184,1.0,0.5);
CREATE TABLE dse_meta (
	id INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	dse_version VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_dse_meta PRIMARY KEY (id)
);
INSERT INTO "dse_meta" VALUES(1,1,'0.1.0','2026-11-21 07:48:15.397908');
CREATE TABLE dse_studies (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	space_name VARCHAR NOT NULL, 
	space_hash VARCHAR NOT NULL, 
	space JSON NOT NULL, 
	budget JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	proxy JSON NOT NULL, 
	design JSON NOT NULL, 
	provenance JSON NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_dse_studies PRIMARY KEY (id), 
	CONSTRAINT uq_dse_studies_name UNIQUE (name)
);
INSERT INTO "dse_studies" VALUES(1,'linear_or_conv-4.5GFLOPs','linear_or_conv','f21d86a2486e','{"format": 1, "name": "linear_or_conv", "stages": 4, "parameters": {"depths": {"per_stage": [{"uniform": [2, 4], "step": 1}, {"uniform": [2, 4], "step": 1}, {"uniform": [6, 12], "step": 1}, {"uniform": [2, 4], "step": 1}]}, "dims": {"growth": {"per_stage": {"log_uniform": [1.5, 2.5]}}, "maximum": 8192}, "kernel_sizes": 7, "pointwise": {"choice": ["linear", "conv"]}}}','{"target": 4500000000.0, "metric": "flops", "tolerance": 0.01, "resolution": 224, "limits": []}',0,'{"dataset": {"source": "fractals", "classes": 20, "train_per_class": 300, "test_per_class": 100, "seed": 0}, "channels": 0.25, "resolution": 32, "train_images": 3000, "epochs": 4, "recipe": {"batch_size": 64, "learning_rate": 0.002, "final_learning_rate": 0.0, "warmup": 0.2, "weight_decay": 0.05, "betas": [0.9, 0.999], "label_smoothing": 0.1}}','{"kind": "survey", "repeat": 0.25, "sampling": {"version": 2, "population": "solved", "design": "independent", "stratify": []}}','{"dse": "0.1.0", "python": "3.11.7", "machine": "x86_64", "system": "Linux", "versions": {"torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "optuna": "5.0.0", "sqlalchemy": "2.1.9"}, "convention": "FLOPs = multiply-adds of convolution and linear layers"}','2026-11-21 07:48:15.470041');
CREATE TABLE dse_trials (
	id INTEGER NOT NULL, 
	candidate_id INTEGER NOT NULL, 
	replicate INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	attempts INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	token VARCHAR, 
	worker VARCHAR, 
	error DOUBLE, 
	train_loss DOUBLE, 
	seconds DOUBLE, 
	cpu_seconds DOUBLE, 
	test_images INTEGER, 
	classes INTEGER, 
	device VARCHAR, 
	dtype VARCHAR, 
	versions JSON, 
	started DATETIME, 
	finished DATETIME, 
	CONSTRAINT pk_dse_trials PRIMARY KEY (id), 
	CONSTRAINT uq_dse_trials_candidate_id_replicate UNIQUE (candidate_id, replicate), 
	CONSTRAINT ck_dse_trials_state CHECK (state IN ('waiting', 'running', 'complete', 'diverged', 'out_of_memory', 'failed')), 
	CONSTRAINT ck_dse_trials_error CHECK ((state = 'complete') = (error IS NOT NULL)), 
	CONSTRAINT ck_dse_trials_token CHECK ((state = 'running') = (token IS NOT NULL)), 
	CONSTRAINT fk_dse_trials_candidate_id FOREIGN KEY(candidate_id) REFERENCES dse_candidates (id) ON DELETE CASCADE
);
INSERT INTO "dse_trials" VALUES(1,1,0,2968811710,'diverged','the loss became nan at step 12',1,0,NULL,'w',NULL,NULL,1.5,1.0,NULL,NULL,NULL,NULL,NULL,'2026-11-21 07:48:15.490678','2026-11-21 07:48:15.491335');
INSERT INTO "dse_trials" VALUES(2,2,0,3964924996,'complete',NULL,1,0,NULL,'w',0.5,1.5,11.5,11.0,2000,20,'cpu','bfloat16','{"torch": "2.13.0"}','2026-11-21 07:48:15.492847','2026-11-21 07:48:15.493495');
INSERT INTO "dse_trials" VALUES(3,3,0,3141116543,'running','killed',2,1,'6c21a1b2f6ee59b9665a9afa3f57f6d3','w2',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-21 07:48:15.498308',NULL);
INSERT INTO "dse_trials" VALUES(4,4,0,2613022947,'waiting',NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "dse_trials" VALUES(5,1,1,3831201730,'waiting',NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "dse_trials" VALUES(6,5,0,1193968037,'complete',NULL,1,0,NULL,'w',0.25,1.0,12.5,12.0,2000,20,'cpu','bfloat16','{"torch": "2.13.0"}','2026-11-21 07:48:15.486975','2026-11-21 07:48:15.488110');
CREATE INDEX ix_dse_trials_state_replicate ON dse_trials (state, replicate);
COMMIT;
