-- What users of PostGIS have: reference systems of their own, tables with geometries, topologies.
CREATE EXTENSION postgis; CREATE EXTENSION postgis_topology; CREATE EXTENSION fuzzystrmatch;
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
  VALUES (990001, 'own', 1, '', '+proj=longlat +ellps=WGS84 +no_defs'), (990002, 'own', 2, '', '+proj=merc +units=m');
UPDATE spatial_ref_sys SET auth_name = auth_name WHERE srid = 4326;
CREATE TABLE places (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, g geometry(Polygon, 990001), at geography(Point));
CREATE INDEX ON places USING gist (g); CREATE INDEX ON places USING spgist (g); CREATE INDEX ON places USING brin (g);
INSERT INTO places (name, g, at) SELECT 'place ' || n, ST_SetSRID(ST_Buffer(ST_MakePoint(n, n), 0.5)::geometry, 990001),
  ST_MakePoint(n, n)::geography FROM generate_series(1, 50) n;
ALTER TABLE places ADD CHECK (ST_IsValid(g));
CREATE MATERIALIZED VIEW centres AS SELECT id, ST_Centroid(g) AS centre FROM places; CREATE INDEX ON centres USING gist (centre);
CREATE VIEW near AS SELECT p.name FROM places p WHERE ST_DWithin(p.at, ST_MakePoint(3, 3)::geography, 500000);
SELECT topology.CreateTopology('streets', 4326);
SELECT topology.AddNode('streets', ST_SetSRID(ST_MakePoint(0, 0), 4326)), topology.AddNode('streets', ST_SetSRID(ST_MakePoint(1, 1), 4326));
SELECT topology.AddEdge('streets', ST_GeomFromText('LINESTRING(0 0, 1 1)', 4326));
CREATE TABLE roads (id int PRIMARY KEY);
SELECT topology.AddTopoGeometryColumn('streets', 'public', 'roads', 'course', 'LINE');
INSERT INTO roads VALUES (1, topology.CreateTopoGeom('streets', 2, 1, '{{1,2}}'));
